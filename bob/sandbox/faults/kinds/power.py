"""A host loses its power, gets it back, or both."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

import typer

from bob.errors import Temporary
from bob.sandbox import bmc
from bob.sandbox.faults.base import Fault
from bob.sandbox.layout import NodeLayout
from bob.sandbox.record import Sandbox
from bob.waiting import pause, wait_for

OFF_SECONDS = 1.0  # how long a power cycle stays off: the IPMI specification asks for at least 1 s
POWER_SECONDS = 30.0  # the BMC gives the mainboard up to 22 s to end before it kills it


class Action(enum.StrEnum):
    """Chassis control, without asking the operating system."""

    OFF = "off"
    ON = "on"
    CYCLE = "cycle"


class Power(Fault):
    """Power a host off, on, or off and on again, through its BMC. Off is in force until on."""

    kind: ClassVar[str] = "power"

    node: Annotated[str, typer.Argument(help="Host to be powered.")]
    action: Annotated[Action, typer.Argument(help="What the BMC shall do.")]

    @property
    def target(self) -> tuple[str, ...]:
        """The host."""
        return (self.node,)

    def check(self, sandbox: Sandbox) -> None:
        """The host must exist and its BMC must answer."""
        _is_on(sandbox.node(self.node))

    def apply(self, sandbox: Sandbox) -> None:
        """Return when host and BMC are in the wanted state; the host boots after that."""
        if self.action is not Action.ON:
            self._switch(sandbox, on=False)
        if self.action is Action.CYCLE:
            pause(OFF_SECONDS)
        if self.action is not Action.OFF:
            self._switch(sandbox, on=True)

    def undo(self, sandbox: Sandbox) -> None:
        """Power on."""
        self._switch(sandbox, on=True)

    def over(self, sandbox: Sandbox) -> bool:
        """True when somebody, or this fault itself, has powered the host on."""
        return sandbox.power(self.node) != "off"

    def _switch(self, sandbox: Sandbox, *, on: bool) -> None:
        """Power the host on or off, and return when it is so and its BMC reports it."""
        node = sandbox.node(self.node)
        if _is_on(node) != on:
            bmc.of(node).power("on" if on else "off")
        wait_for(
            lambda: _is_on(node) == on == (sandbox.power(self.node) != "off"),
            what=f"the power of {self.node} is {'on' if on else 'off'}",
            deadline=POWER_SECONDS,
            interval=0.05,
            cure=f"Read the log of its BMC: {node.bmc}/log",
        )


def _is_on(node: NodeLayout) -> bool:
    """What the BMC says; its silence is an error that tells where to look."""
    try:
        return bmc.of(node).is_on()
    except Temporary as error:
        raise Temporary(
            f"the BMC of {node.name} gives no answer, so its power cannot be switched: {error}",
            cure=f"Is it faulted? bob sandbox fault clear bmc:{node.name} --name {node.sandbox}",
        ) from error
