"""Short programs with a deadline. One that does not end is left alone, never waited for.

A program that hangs in the kernel (a mount whose server is gone) cannot even be killed: it is
remembered, and not started a second time while it is there.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bob.errors import Permanent, Temporary
from bob.waiting import Deadline

GRACE_SECONDS = 0.2  # for what a program has written by the end of the deadline


class Hangs(Temporary):
    """The program has not ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and its standard output."""

    code: int
    output: bytes


class Children:
    """Runs programs; may be used by several threads."""

    def __init__(self) -> None:
        self._stuck: dict[str, subprocess.Popen[bytes]] = {}
        self._guard = threading.Lock()

    def run(self, key: str, argv: Sequence[str], seconds: float) -> Ended:
        """One program. Raises `Hangs`, or `Permanent` when there is no such program."""
        ended = self.run_all({key: argv}, seconds)[key]
        if ended is None:
            raise Hangs(f"{key} does not come back")
        return ended

    def run_all(
        self, programs: Mapping[str, Sequence[str]], seconds: float
    ) -> Mapping[str, Ended | None]:
        """Programs side by side, by a key that names what is asked.

        None for one that has not ended after `seconds`, and at once for a key whose last program
        still hangs. Raises `Permanent` when there is no such program.
        """
        deadline = Deadline(seconds)
        started = {key: self._start(key, argv) for key, argv in programs.items()}
        return {
            key: self._end(key, process, deadline) if process else None
            for key, process in started.items()
        }

    def _start(self, key: str, argv: Sequence[str]) -> subprocess.Popen[bytes] | None:
        with self._guard:
            held = self._stuck.get(key)
            if held is not None and held.poll() is None:
                return None
            self._stuck.pop(key, None)
        try:
            return subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise Permanent(f"there is no program {argv[0]}") from None

    def _end(self, key: str, process: subprocess.Popen[bytes], deadline: Deadline) -> Ended | None:
        try:
            output, _ = process.communicate(timeout=max(deadline.left(), GRACE_SECONDS))
        except subprocess.TimeoutExpired:
            process.kill()
            with self._guard:
                self._stuck[key] = process
            return None
        return Ended(process.returncode, output)
