"""Running the machine's programs: their error text becomes ours."""

from __future__ import annotations

import subprocess
from collections.abc import Collection
from pathlib import Path

from bob.errors import Permanent


def run(
    *argv: str,
    text: str = "",
    check: bool = True,
    cwd: Path | None = None,
    keep_open: Collection[int] = (),
    cure: str = "",
) -> str:
    """Output of a program that reads `text`; it inherits the files `keep_open`.

    Raises `Permanent` with its error output and `cure` when it fails, unless `check` is false.
    """
    done = subprocess.run(
        argv, input=text, capture_output=True, text=True, cwd=cwd, pass_fds=keep_open, check=False
    )
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise Permanent(f"`{' '.join(argv)}` failed with code {done.returncode}: {said}", cure=cure)
    return done.stdout
