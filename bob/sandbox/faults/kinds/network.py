"""A whole network is down: its switch has no power, or does not forward."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, ClassVar

import typer

from bob.sandbox.faults import switch
from bob.sandbox.faults.base import Fault, check_network
from bob.sandbox.record import Sandbox


class Network(Fault):
    """Take a whole network down: every host loses its carrier there."""

    kind: ClassVar[str] = "network"

    network: Annotated[str, typer.Argument(help="mgmt, storage or tenant.")]
    keep_carrier: Annotated[
        bool, typer.Option("--keep-carrier", help="Links stay up: the switch does not forward.")
    ] = False

    @property
    def target(self) -> tuple[str, ...]:
        """The network."""
        return (self.network,)

    def check(self, sandbox: Sandbox) -> None:
        """The network must exist."""
        check_network(self.network)

    def apply(self, sandbox: Sandbox) -> None:
        """Drop all that comes from or goes to a host. The BMCs, which sit at the mgmt switch
        itself, are then out of the hosts' reach too; the sandbox still reaches them."""
        nodes = [node.name for node in sandbox.nodes]
        switch.filter_frames(
            sandbox,
            self.id,
            entering=[f"{switch.from_host(sandbox, node, self.network)} drop" for node in nodes],
            leaving=[f"{switch.to_host(sandbox, node, self.network)} drop" for node in nodes],
        )

    def dark_ports(self, sandbox: Sandbox) -> Collection[str]:
        """The ports of all hosts, unless the links stay up."""
        return () if self.keep_carrier else [node.port(self.network) for node in sandbox.nodes]

    def undo(self, sandbox: Sandbox) -> None:
        """Let the frames pass."""
        switch.pass_frames(sandbox, self.id)
