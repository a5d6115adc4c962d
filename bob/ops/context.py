"""What the steps of an operation may use: clients with the robot's rights, and guarded writes.

Nothing here may be used by an agent that does not lead: every request that changes something is
preceded by a look at our leadership, and every write to the KV is checked against the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.clients.quorum import Operator
from bob.ops.cluster_records import ClusterRecords
from bob.ops.consul_store import Leader
from bob.ops.kind import Request
from bob.ops.record import Operation
from bob.ops.sense import sense
from bob.ops.tasks import Tasks
from bob.ops.view import ClusterView
from bob.provision.install import Binary
from bob.waiting import Clock
from inventory import NetworkName


@dataclass(kw_only=True)
class LeaderContext:
    """What a leader may use. `networks` has a Consul client of each network.

    `clock` is for every wait: its sleep raises `LockLost` when another agent leads.
    """

    networks: Mapping[NetworkName, Consul]
    nomad: Nomad
    leader: Leader
    clock: Clock
    look: Callable[[Mapping[NetworkName, Consul], Nomad], ClusterView] = sense

    @property
    def consul(self) -> Consul:
        """Consul of the mgmt network: catalog, KV, tokens."""
        return self.networks[NetworkName.MGMT]

    @property
    def records(self) -> ClusterRecords:
        """The cluster's own description, to read and to write."""
        return ClusterRecords(self.consul, self.leader.commit)

    @property
    def operators(self) -> dict[str, Operator]:
        """Whoever answers for each quorum: Consul of every network, and Nomad."""
        consul = {f"Consul {net.value}": one.operator for net, one in self.networks.items()}
        return {**consul, "Nomad": self.nomad.operator}

    def view(self) -> ClusterView:
        """The cluster as it is now."""
        return self.look(self.networks, self.nomad)


@dataclass(kw_only=True)
class OperationContext(LeaderContext):
    """One run of one operation.

    `operation` is the record as it was when the run began. `say` publishes one sentence ("waiting
    for n4 to become a voter"). The sleep of `clock` also raises `Conflict` when the operation was
    paused or aborted. `programs` gives what a bare host gets, found on this node.
    """

    operation: Operation
    say: Callable[[str], None]
    programs: Callable[[], tuple[Binary, ...]] = field(default=tuple)

    @property
    def request(self) -> Request:
        """What was asked for."""
        made = self.operation
        return Request(made.kind, made.target, made.params, made.accepted)

    @property
    def target(self) -> str:
        """The node or service that the operation is about."""
        return self.operation.target

    @property
    def tasks(self) -> Tasks:
        """Work for the agents of nodes."""
        epoch = self.leader.leadership().epoch
        return Tasks(self.consul, self.leader, self.operation.id, epoch)
