"""The host below the tasks: its files and its programs, in one place that tests replace."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePath

from bob.errors import DeadlinePassed


@dataclass(frozen=True)
class Ran:
    """What a program left behind; `output` is both of its streams."""

    code: int
    output: str


class Machine:
    """This host. `root` is where its file system begins."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def path(self, absolute: str | PurePath) -> Path:
        """A file of this host."""
        return self._root / PurePath(absolute).relative_to("/")

    def run(self, *argv: str, timeout: float) -> Ran:
        """Run a program to its end, whatever its exit code. Raises `DeadlinePassed`."""
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=max(timeout, 0.1), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise DeadlinePassed(f"{' '.join(argv)}: no end within {timeout:.0f} s") from None
        except FileNotFoundError:
            return Ran(127, f"{argv[0]}: not found")
        return Ran(done.returncode, done.stdout.decode(errors="replace").strip())
