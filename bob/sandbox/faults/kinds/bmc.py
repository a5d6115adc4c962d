"""A BMC that cannot be reached, or that takes commands and never answers."""

from __future__ import annotations

import contextlib
import enum
import os
import signal
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from bob.errors import UsageError
from bob.sandbox import bmc
from bob.sandbox.faults import switch
from bob.sandbox.faults.base import Fault
from bob.sandbox.layout import NodeLayout
from bob.sandbox.record import Sandbox


class Defect(enum.StrEnum):
    """How the BMC fails."""

    DEAD = "dead"
    HANG = "hang"


class Bmc(Fault):
    """Make a BMC unreachable (dead) or silent (hang); its host goes on."""

    kind: ClassVar[str] = "bmc"

    node: Annotated[str, typer.Argument(help="Host whose BMC fails.")]
    defect: Annotated[Defect, typer.Argument(help="Unreachable, or reachable but silent.")]

    @property
    def target(self) -> tuple[str, ...]:
        """The host."""
        return (self.node,)

    def check(self, sandbox: Sandbox) -> None:
        """The host must exist and have a running BMC."""
        if bmc.pid(sandbox.node(self.node)) is None:
            raise UsageError(
                f"the BMC of {self.node} does not run", cure=f"bob sandbox up --name {sandbox.name}"
            )

    def apply(self, sandbox: Sandbox) -> None:
        """Drop what is sent to its address, or stop its process."""
        self.undo(sandbox)
        node = sandbox.node(self.node)
        if self.defect is Defect.DEAD:
            switch.drop_address(sandbox, self.id, node.bmc_address)
        else:
            _signal(node, signal.SIGSTOP)

    def undo(self, sandbox: Sandbox) -> None:
        """Address and process back."""
        switch.pass_address(sandbox, self.id)
        _signal(sandbox.node(self.node), signal.SIGCONT)

    def over(self, sandbox: Sandbox) -> bool:
        """True when a hanging BMC was woken or replaced."""
        pid = bmc.pid(sandbox.node(self.node))
        return self.defect is Defect.HANG and (pid is None or not _stopped(pid))


def _signal(node: NodeLayout, number: signal.Signals) -> None:
    if (pid := bmc.pid(node)) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _stopped(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return "State:\tT" in Path(f"/proc/{pid}/status").read_text()
    return False
