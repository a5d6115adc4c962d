"""A NIC of a host is cut off its network."""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Annotated, ClassVar

import typer

from bob.sandbox.faults import switch
from bob.sandbox.faults.base import Fault, check_network
from bob.sandbox.record import Sandbox


class Direction(enum.StrEnum):
    """Seen from the host."""

    IN = "in"
    OUT = "out"


class Nic(Fault):
    """Cut a NIC: the host loses its carrier, or with --keep-carrier only its frames."""

    kind: ClassVar[str] = "nic"

    node: Annotated[str, typer.Argument(help="Host whose NIC is cut.")]
    network: Annotated[str, typer.Argument(help="mgmt, storage or tenant.")]
    keep_carrier: Annotated[
        bool, typer.Option("--keep-carrier", help="The link stays up: a dead switch port.")
    ] = False
    direction: Annotated[
        Direction | None,
        typer.Option(help="Drop only what the host receives (in) or sends (out). Link stays up."),
    ] = None

    @property
    def target(self) -> tuple[str, ...]:
        """Host and network."""
        return (self.node, self.network)

    def check(self, sandbox: Sandbox) -> None:
        """Host and network must exist."""
        sandbox.node(self.node)
        check_network(self.network)

    def apply(self, sandbox: Sandbox) -> None:
        """Drop frames, also when the carrier is lost: a port that is made anew has carrier."""
        sent = [f"{switch.from_host(sandbox, self.node, self.network)} drop"]
        received = [f"{switch.to_host(sandbox, self.node, self.network)} drop"]
        switch.filter_frames(
            sandbox,
            self.id,
            entering=sent if self.direction is not Direction.IN else (),
            leaving=received if self.direction is not Direction.OUT else (),
        )

    def dark_ports(self, sandbox: Sandbox) -> Collection[str]:
        """The port of this NIC, unless the link stays up."""
        if self.keep_carrier or self.direction:
            return ()
        return (sandbox.node(self.node).port(self.network),)

    def undo(self, sandbox: Sandbox) -> None:
        """Let the frames pass."""
        switch.pass_frames(sandbox, self.id)
