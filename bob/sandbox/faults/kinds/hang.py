"""A host hangs: no process in it runs any more."""

from __future__ import annotations

import contextlib
from typing import Annotated, ClassVar

import typer

from bob.sandbox.faults import processes
from bob.sandbox.faults.base import Fault
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

FREEZE_SECONDS = 10.0  # takes 2 ms; a process in a disk write freezes when that is done


class Hang(Fault):
    """Freeze a host: nothing in it runs, and its watchdog is no longer fed.

    Its network stack belongs to the machine's kernel and still answers ping and accepts TCP
    connections; no process behind it answers.
    """

    kind: ClassVar[str] = "hang"

    node: Annotated[str, typer.Argument(help="Host that hangs.")]

    @property
    def target(self) -> tuple[str, ...]:
        """The host."""
        return (self.node,)

    def check(self, sandbox: Sandbox) -> None:
        """The host must be powered on."""
        processes.require_init(sandbox.node(self.node))

    def apply(self, sandbox: Sandbox) -> None:
        """Freeze its control group, and return when nothing in it runs."""
        self._set(sandbox, frozen=True)
        wait_for(
            lambda: not self.over(sandbox),
            what=f"{self.node} is frozen",
            deadline=FREEZE_SECONDS,
            interval=0.005,
        )

    def undo(self, sandbox: Sandbox) -> None:
        """Thaw."""
        self._set(sandbox, frozen=False)

    def over(self, sandbox: Sandbox) -> bool:
        """True when a reset or a power cycle has ended it."""
        return not sandbox.hierarchies.frozen(sandbox.node(self.node).cgroup)

    def _set(self, sandbox: Sandbox, *, frozen: bool) -> None:
        cgroup = sandbox.node(self.node).cgroup
        file, freeze, thaw = sandbox.hierarchies.freezer_file(cgroup)
        with contextlib.suppress(FileNotFoundError):  # powered off: nothing left to thaw
            file.write_text(freeze if frozen else thaw)
