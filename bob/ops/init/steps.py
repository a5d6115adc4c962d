"""What `bob init` does, in order. The titles are the documentation."""

from __future__ import annotations

from bob.ops.init.agents import Agents
from bob.ops.init.claim import Claim
from bob.ops.init.consul import ConsulAccess, ConsulClients
from bob.ops.init.context import InitContext
from bob.ops.init.keys import Keys
from bob.ops.init.names import Names
from bob.ops.init.nomad import NomadAccess, NomadClients
from bob.ops.init.preflight import Preflight
from bob.ops.init.record import Record
from bob.ops.init.servers import Servers
from bob.ops.init.software import Binaries, Configuration
from bob.ops.init.verify import Verify
from bob.ops.step import Step

STEPS: tuple[Step[InitContext], ...] = (
    Preflight(),
    Keys(),
    Claim(),
    Binaries(),
    Configuration(),
    Servers(),
    ConsulAccess(),
    ConsulClients(),
    NomadAccess(),
    NomadClients(),
    Names(),
    Agents(),
    Verify(),
    Record(),
)
