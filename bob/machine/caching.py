"""Building a folder of the cache once: locked, into a temporary place, renamed when complete."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bob.machine.locking import exclusive

BUILD_SECONDS = 1800.0  # how long we wait for another process that builds the same thing

Say = Callable[[str], None]


def build_once(target: Path, build: Callable[[Path, IO[str]], None], say: Say) -> Path:
    """Return `target`, after `build(temporary folder, lock)` has made it if it was missing.

    Only one process builds; others wait for it and use its result. A build that fails or is
    interrupted leaves nothing. Programs that the build starts should inherit the lock
    (`pass_fds=[lock.fileno()]`): then one that outlives a killed parent still keeps others away.
    """
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(
        target.parent / ".lock",
        seconds=BUILD_SECONDS,
        holder=f"another process is building {target}",
        on_wait=lambda: say("waiting for another process that is building it"),
    ) as lock:
        if target.is_dir():
            return target
        for left_behind in target.parent.glob(".building-*"):
            shutil.rmtree(left_behind)
        temporary = target.parent / f".building-{target.name}"
        temporary.mkdir(mode=0o755)
        try:
            build(temporary, lock)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return target
