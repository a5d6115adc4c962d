"""Child processes that never outlive us.

Each runs in its own process group, which is killed when the run is stopped, fails or takes too
long; if this process is killed outright, the kernel kills the child (`setpriv --pdeathsig`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bob.errors import BobError

KEPT_LINES = 15


class Stopped(BobError):
    """The run was stopped from outside: by Ctrl-C or because another tool failed."""


class ChildFailed(BobError):
    """A program could not be started, ended with an error, or was ended because it was too late."""


class Children:
    """The running child processes of one `ensure`; may be used from several threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def check(self) -> None:
        """Raise `Stopped` once `stop` was called; long loops call this."""
        if self._stopped:
            raise Stopped("stopped before it was finished")

    def stop(self) -> None:
        """End all children now and let no new one start."""
        with self._guard:
            self._stopped = True
            for child in self._running:
                _kill_group(child)

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        seconds: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        feed: str = "",
        on_line: Callable[[str], None] = lambda _: None,
    ) -> str:
        """Run a program to its end and return its output, stdout and stderr together.

        `feed` becomes its input. Raises `ChildFailed` with the last lines of the output.
        """
        child = self._start([str(word) for word in arguments], cwd, env)
        late = threading.Event()

        def expire() -> None:
            late.set()
            _kill_group(child)

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            output = _converse(child, feed, on_line)
            code = child.wait()
        finally:
            timer.cancel()
            with self._guard:
                self._running.discard(child)
                _kill_group(child)
            child.wait()
        self.check()
        if late.is_set():
            raise ChildFailed(f"{arguments[0]} was ended: it took longer than {seconds:.0f} s")
        if code:
            tail = "\n".join(deque(output.splitlines(), KEPT_LINES))
            raise ChildFailed(f"{arguments[0]} failed with exit code {code}:\n{tail}")
        return output

    def _start(
        self, arguments: list[str], cwd: Path | None, env: Mapping[str, str] | None
    ) -> subprocess.Popen[str]:
        if not shutil.which(arguments[0]):
            raise ChildFailed(f"there is no program {arguments[0]}")
        if guard := shutil.which("setpriv"):
            arguments = [guard, "--pdeathsig", "KILL", "--", *arguments]
        with self._guard:
            self.check()
            # One start at a time: Popen returns when the child has left our open files behind,
            # so no binary is "busy" because another child still holds it open for writing.
            child = subprocess.Popen(
                arguments, cwd=cwd, env=env, text=True, errors="replace", start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            self._running.add(child)
        return child


def _converse(child: subprocess.Popen[str], feed: str, on_line: Callable[[str], None]) -> str:
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("a child without pipes")
    with contextlib.suppress(BrokenPipeError), child.stdin:
        child.stdin.write(feed)
    lines = []
    with child.stdout:
        for line in child.stdout:
            lines.append(line)
            on_line(line.rstrip("\n"))
    return "".join(lines)


def _kill_group(child: subprocess.Popen[str]) -> None:
    """Kill the group of a child that is not yet reaped: its number cannot have been reused."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
