"""A process inside a host dies, or stops answering."""

from __future__ import annotations

import enum
import signal
from typing import Annotated, ClassVar

import typer

from bob.errors import UsageError
from bob.sandbox.faults import processes
from bob.sandbox.faults.base import Fault
from bob.sandbox.faults.processes import HostProcess
from bob.sandbox.layout import NodeLayout
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

OBEY_SECONDS = 10.0  # a process in the middle of a disk write obeys later than at once


class Blow(enum.StrEnum):
    """What happens to the process."""

    KILL = "kill"
    FREEZE = "freeze"


class Process(Fault):
    """Kill or freeze a systemd unit (all its processes) or the processes of one name in a host.

    What was killed is over when it runs again. Undoing starts a killed unit and wakes what was
    frozen; a killed process that is no unit is not started again.
    """

    kind: ClassVar[str] = "process"

    node: Annotated[str, typer.Argument(help="Host in which it runs.")]
    pattern: Annotated[
        str, typer.Argument(help="A unit (consul.service) or the exact name of a process (consul).")
    ]
    blow: Annotated[Blow, typer.Argument(help="SIGKILL or SIGSTOP.")]

    @property
    def target(self) -> tuple[str, ...]:
        """Host and pattern."""
        return (self.node, self.pattern)

    def check(self, sandbox: Sandbox) -> None:
        """The host must run, and something in it must match."""
        node = sandbox.node(self.node)
        processes.require_init(node)
        if sandbox.hierarchies.frozen(node.cgroup):
            raise UsageError(
                f"{self.node} hangs: nothing in it can obey a signal",
                cure=f"bob sandbox fault clear hang:{self.node} --name {sandbox.name}",
            )
        if not processes.matching(node, self.pattern):
            raise UsageError(
                f"nothing called {self.pattern!r} runs in {self.node}",
                cure="Give a unit with its ending (ssh.service), or a process name as "
                f"`bob sandbox shell {self.node} -- ps -e` shows it.",
            )

    def apply(self, sandbox: Sandbox) -> None:
        """Signal every match, and return when the signal has done its work."""
        node = sandbox.node(self.node)
        hit = processes.matching(node, self.pattern)
        processes.send(hit, signal.SIGKILL if self.blow is Blow.KILL else signal.SIGSTOP)
        wait_for(
            lambda: not self._untouched(node, {process.pid for process in hit}),
            what=f"{self.pattern} in {self.node} obeys the signal",
            deadline=OBEY_SECONDS,
            interval=0.01,
        )

    def undo(self, sandbox: Sandbox) -> None:
        """Wake what matches; start a killed unit that does not run."""
        node = sandbox.node(self.node)
        found = processes.matching(node, self.pattern)
        processes.send(found, signal.SIGCONT)  # also those that have not stopped yet
        started_by_us = self.blow is Blow.KILL and processes.is_unit(self.pattern)
        if started_by_us and processes.init(node) and not found:
            processes.execute(node, ["systemctl", "reset-failed", self.pattern])
            processes.execute(node, ["systemctl", "start", self.pattern])

    def over(self, sandbox: Sandbox) -> bool:
        """True when a killed process runs again, and when nothing is stopped any more."""
        found = processes.matching(sandbox.node(self.node), self.pattern)
        if self.blow is Blow.KILL:
            return bool(found)
        return not any(process.state == "T" for process in found)

    def _untouched(self, node: NodeLayout, pids: set[int]) -> list[HostProcess]:
        """Those of `pids` that live and are not stopped."""
        return [
            process
            for process in processes.of_host(node)
            if process.pid in pids and (self.blow is Blow.KILL or process.state != "T")
        ]
