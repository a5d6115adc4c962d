"""The units of this host: stopped, started, waited for. See `bob.provision.install` for the marks.

A unit is stale from the moment before a file of it is replaced until it was started with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bob.agent.machine import Machine
from bob.errors import DeadlinePassed, Temporary
from bob.provision.install import STALE
from bob.waiting import Deadline, pause

QUICK_SECONDS = 15.0  # systemd answers at once, unless the host is overloaded
SETTLE_SECONDS = 2.0  # a unit that does not say when it is ready shows a wrong file within that
LOOK_SECONDS = 0.2
JOURNAL_LINES = 30
SAID_LINES = 5
NOISE = "remains running after unit stopped"  # systemd, for each process of each task of Nomad
# Tokens are UUIDs, keys of gossip 32 bytes in base64.
SECRET = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|[A-Za-z0-9+/]{43}="
)


class Units:
    """Works on units of systemd until `deadline`."""

    def __init__(self, machine: Machine, deadline: Deadline) -> None:
        self._machine = machine
        self._deadline = deadline
        self._marks = machine.path(STALE)

    def mark(self, units: Iterable[str]) -> None:
        """These are stale from now on."""
        self._marks.mkdir(parents=True, exist_ok=True)
        for unit in units:
            (self._marks / unit).touch()

    def unmark(self, unit: str) -> None:
        """It runs with what is there."""
        (self._marks / unit).unlink(missing_ok=True)

    def stale(self) -> frozenset[str]:
        """All that may run with something that was replaced."""
        if not self._marks.is_dir():
            return frozenset()
        return frozenset(mark.name for mark in self._marks.iterdir())

    def reload(self) -> None:
        """Let systemd read the files of units again."""
        self._systemctl("daemon-reload")

    def there(self, unit: str) -> bool:
        """systemd knows it; a node that an older Bob has furnished lacks newer units."""
        return self._show(unit)["LoadState"] == "loaded"

    def active(self, unit: str) -> bool:
        """It runs and is ready."""
        return self._show(unit)["ActiveState"] == "active"

    def stop(self, unit: str, *, disable: bool = False) -> None:
        """Stop it; with `disable` for good. One that is not known is no error."""
        if self.there(unit):
            self._systemctl(*(("disable", "--now") if disable else ("stop",)), unit)
        if disable:
            self.unmark(unit)

    def interrupt(self, unit: str, seconds: float) -> None:
        """Send SIGINT to its main process and wait so long for the end of that."""
        first = self._show(unit)["MainPID"]
        if first in ("", "0"):
            return
        self._systemctl("kill", "--kill-who=main", "--signal=INT", unit)
        ended = Deadline(min(seconds, self._deadline.left()), self._deadline.clock)
        while self._show(unit)["MainPID"] == first and not ended.passed():
            pause(LOOK_SECONDS, self._deadline.clock)

    def bring_up(self, unit: str) -> bool:
        """Have it active, with what is there, now and after each boot.

        Restarts it when it is stale, starts it when it does not run; False when it was fine. Raises
        `Temporary` with the last lines of its journal.
        """
        if unit not in self.stale() and self.active(unit):
            return False
        self._machine.run("systemctl", "reset-failed", unit, timeout=QUICK_SECONDS)
        self._systemctl("enable", unit)
        try:
            ran = self._machine.run("systemctl", "restart", unit, timeout=self._deadline.left())
        except DeadlinePassed:
            raise self._down(unit, "not ready in time") from None
        if ran.code:
            raise self._down(unit, "did not start")
        self._settle(unit)
        self.unmark(unit)
        return True

    def _settle(self, unit: str) -> None:
        first = self._show(unit)
        if first["Type"] == "notify":
            return
        settled = Deadline(SETTLE_SECONDS, self._deadline.clock)
        while not settled.passed():
            now = self._show(unit)
            if now["ActiveState"] != "active" or now["MainPID"] != first["MainPID"]:
                raise self._down(unit, "started and ended")
            pause(LOOK_SECONDS, self._deadline.clock)

    def _show(self, unit: str) -> Mapping[str, str]:
        properties = "LoadState,ActiveState,MainPID,Type"
        ran = self._machine.run(
            "systemctl", "show", "-p", properties, f"{unit}.service", timeout=QUICK_SECONDS
        )
        found = dict.fromkeys(properties.split(","), "")
        for line in ran.output.splitlines():
            name, _, value = line.partition("=")
            found[name] = value
        return found

    def _systemctl(self, *words: str) -> None:
        ran = self._machine.run("systemctl", *words, timeout=self._deadline.left())
        if ran.code:
            raise Temporary(f"systemctl {' '.join(words)}: {ran.output}")

    def _down(self, unit: str, what: str) -> Temporary:
        ran = self._machine.run(
            "journalctl", "-u", unit, "-n", str(JOURNAL_LINES), "-o", "cat", "--no-pager",
            timeout=QUICK_SECONDS,
        )  # fmt: skip
        lines = [line for line in SECRET.sub("[redacted]", ran.output).splitlines()
                 if NOISE not in line]  # fmt: skip
        said = " | ".join(lines[-SAID_LINES:])
        return Temporary(
            f"{unit} {what}: {said}", cure=f"Look at journalctl -u {unit} on the node."
        )
