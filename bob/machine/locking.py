"""Exclusive use of something across processes, by a lock on a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from bob.errors import DeadlinePassed, ScopeHeld
from bob.waiting import Deadline, wait_for


@contextlib.contextmanager
def exclusive(
    path: Path,
    *,
    seconds: float = 60.0,
    holder: str = "another command holds it",
    on_wait: Callable[[], None] | None = None,
) -> Iterator[IO[str]]:
    """Hold the lock file `path` (made if missing); yields it for children that must hold it too.

    The lock ends with the last process that has the file open, however it ends. Its holder may
    remove the file. `on_wait` is called if we must wait. Raises `ScopeHeld` when the lock is not
    free within `seconds`.
    """
    deadline = Deadline(seconds)
    while True:
        with path.open("w") as lock:
            if not _try(lock):
                if on_wait:
                    on_wait()
                try:
                    wait_for(partial(_try, lock), what="the lock", deadline=deadline)
                except DeadlinePassed:
                    raise ScopeHeld(holder, cure="Wait for it to finish, then try again.") from None
            if _is_still(path, lock):
                yield lock
                return
            # Its last holder removed the file: ours is not the one that others see now.


def _try(lock: IO[str]) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_still(path: Path, lock: IO[str]) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_ino == os.fstat(lock.fileno()).st_ino
    return False
