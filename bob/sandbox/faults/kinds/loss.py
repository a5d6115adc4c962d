"""A NIC that loses some of its frames at random."""

from __future__ import annotations

from typing import Annotated, ClassVar

import typer
from pydantic import Field

from bob.sandbox.faults import switch
from bob.sandbox.faults.base import Fault, check_network
from bob.sandbox.record import Sandbox


class Loss(Fault):
    """Lose a share of a NIC's frames at random, in each direction by itself."""

    kind: ClassVar[str] = "loss"

    node: Annotated[str, typer.Argument(help="Host whose frames are lost.")]
    network: Annotated[str, typer.Argument(help="mgmt, storage or tenant.")]
    percent: Annotated[
        int, Field(ge=1, le=100), typer.Argument(help="Share of the frames that is lost.")
    ]

    @property
    def target(self) -> tuple[str, ...]:
        """Host and network."""
        return (self.node, self.network)

    def check(self, sandbox: Sandbox) -> None:
        """Host and network must exist."""
        sandbox.node(self.node)
        check_network(self.network)

    def apply(self, sandbox: Sandbox) -> None:
        """Throw a die for each frame."""
        die = f"numgen random mod 100 < {self.percent} drop"
        switch.filter_frames(
            sandbox,
            self.id,
            entering=[f"{switch.from_host(sandbox, self.node, self.network)} {die}"],
            leaving=[f"{switch.to_host(sandbox, self.node, self.network)} {die}"],
        )

    def undo(self, sandbox: Sandbox) -> None:
        """Let all frames pass."""
        switch.pass_frames(sandbox, self.id)
