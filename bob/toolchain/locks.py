"""One installer of a tool at a time, among threads and processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator

from bob.errors import DeadlinePassed, Permanent
from bob.toolchain import cache
from bob.toolchain.model import Run
from bob.waiting import Deadline, wait_for

LOCK_WAIT = 3600.0  # seconds; a first build of nomad takes about ten minutes on two slow cores


@contextlib.contextmanager
def locked(name: str, run: Run, wait: float = LOCK_WAIT) -> Iterator[None]:
    """Be the only one, among threads and processes, who changes this tool's folder.

    Says so when another one holds it, and raises `DeadlinePassed` after `wait` seconds. What an
    installer that was killed left behind is swept first. A full disk or a folder that cannot be
    written, here or in the work done under the lock, is `Permanent`.
    """
    try:
        with _exclusive(name, run, wait):
            yield
    except OSError as error:
        raise Permanent(
            f"cannot install {name} in {cache.home(name)}: {error.strerror or error}",
            cure="Make room or give access there, or move the cache with BOB_CACHE.",
        ) from error


@contextlib.contextmanager
def _exclusive(name: str, run: Run, wait: float) -> Iterator[None]:
    folder = cache.home(name)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if not _try_lock(handle):
            run.progress.stage(name, "waiting for another run that is installing it")
            _wait_for_lock(handle, name, run, wait)
        for stale in folder.glob(f"{cache.TEMPORARY}*"):
            shutil.rmtree(stale, ignore_errors=True)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for_lock(handle: int, name: str, run: Run, wait: float) -> None:
    def attempt() -> bool:
        run.children.check()
        return _try_lock(handle)

    try:
        wait_for(attempt, what=f"the lock of {name}", deadline=Deadline(wait), interval=0.2)
    except DeadlinePassed:
        raise DeadlinePassed(
            f"another run has been installing {name} for more than {wait:.0f} s",
            cure=f"See who holds it with `fuser -v {cache.home(name) / 'lock'}`, then try again.",
        ) from None
