"""Files that only their owner may read: written whole or not at all, one writer at a time."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bob.errors import BobError
from bob.waiting import wait_for

FOLDER_MODE = 0o700
LOCK_SECONDS = 60.0  # making all keys of a large cluster takes a few seconds


class Exposed(BobError):
    """A file with secrets can be read by others."""


def private_folder(path: Path) -> Path:
    """Make the folder for its owner alone (parents that are missing as usual), and return it."""
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    path.chmod(FOLDER_MODE)
    return path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a private folder. Raises `DeadlinePassed` when another holder keeps it."""
    with (private_folder(folder) / ".lock").open("w") as handle:
        wait_for(
            lambda: _try_lock(handle.fileno()),
            what=f"the lock of {folder}",
            deadline=LOCK_SECONDS,
            cure="end the other bob process that works on this cluster, then try again",
        )
        yield  # closing the file releases the lock, also when the process is killed


def read_private(path: Path) -> bytes | None:
    """Content of the file, None when there is none. Raises `Exposed` when others may read it."""
    try:
        with path.open("rb") as handle:
            mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
            if mode & 0o077:
                raise Exposed(
                    f"{path} holds secrets, but others may read it (mode {mode:04o})",
                    cure=f"find out who could read it, then: chmod 600 {path}",
                )
            return handle.read()
    except FileNotFoundError:
        return None


def write_private(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace the file at once: a reader, or a run after a crash, finds the old or the new content.

    `durable` also waits for the disk; without it a power loss may leave an empty file.
    """
    private_folder(path.parent)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            if durable:
                handle.flush()
                os.fsync(handle.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
