"""Two hosts that cannot reach each other, while both reach all others."""

from __future__ import annotations

from typing import Annotated, ClassVar

import typer

from bob.errors import UsageError
from bob.sandbox.faults import switch
from bob.sandbox.faults.base import Fault, check_network
from bob.sandbox.layout import NETWORKS
from bob.sandbox.record import Sandbox


class Pair(Fault):
    """Part two hosts from each other; both still reach everybody else."""

    kind: ClassVar[str] = "pair"

    first: Annotated[str, typer.Argument(metavar="NODE", help="One host.")]
    second: Annotated[str, typer.Argument(metavar="NODE", help="The other host.")]
    network: Annotated[
        str | None, typer.Option(help="Only on this network. Without it: on all of them.")
    ] = None

    @property
    def target(self) -> tuple[str, ...]:
        """Both hosts, in one order whichever was given first, and the network."""
        hosts = tuple(sorted((self.first, self.second)))
        return (*hosts, self.network) if self.network else hosts

    def check(self, sandbox: Sandbox) -> None:
        """Two different hosts, and the network, must exist."""
        sandbox.node(self.first)
        sandbox.node(self.second)
        if self.first == self.second:
            raise UsageError(f"{self.first} cannot be parted from itself", cure="Name two hosts.")
        if self.network is not None:
            check_network(self.network)

    def apply(self, sandbox: Sandbox) -> None:
        """Drop what the bridge would forward from one to the other."""
        rules = []
        for network in [self.network] if self.network else NETWORKS:
            for one, other in ((self.first, self.second), (self.second, self.first)):
                source = switch.from_host(sandbox, one, network)
                rules.append(f"{source} {switch.to_host(sandbox, other, network)} drop")
        switch.filter_frames(sandbox, self.id, forwarded=rules)

    def undo(self, sandbox: Sandbox) -> None:
        """Let the frames pass."""
        switch.pass_frames(sandbox, self.id)
