"""Exclusive use of something across processes, by a lock on a file."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from bob.errors import DeadlinePassed, ScopeHeld
from bob.waiting import wait_for


@contextlib.contextmanager
def exclusive(
    path: Path,
    *,
    seconds: float = 60.0,
    holder: str = "another command holds it",
    on_wait: Callable[[], None] | None = None,
) -> Iterator[IO[str]]:
    """Hold the lock file `path` (made if missing); yields it for children that must hold it too.

    The lock ends with the last process that has the file open, however it ends. `on_wait` is called
    once if we must wait. Raises `ScopeHeld` when it is not free within `seconds`.
    """
    with path.open("w") as lock:
        if not _try(lock):
            if on_wait:
                on_wait()
            try:
                wait_for(lambda: _try(lock), what="the lock", deadline=seconds)
            except DeadlinePassed:
                raise ScopeHeld(holder, cure="Wait for it to finish, then try again.") from None
        yield lock


def _try(lock: IO[str]) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
