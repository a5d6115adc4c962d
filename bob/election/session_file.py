"""The session id outlives the process, so that a restarted agent goes on as the same leader."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Protocol

from bob.errors import Permanent
from bob.provision.private_files import private_folder, write_private


class SessionMemory(Protocol):
    """Keeps one session id."""

    def load(self) -> str:
        """The id, "" when none is kept."""

    def save(self, session: str) -> None:
        """Keep this id; "" forgets."""


class SessionFile:
    """A file below /run: gone after a reboot, as the session of a rebooted host should be.

    The process that made this object owns the file until it ends. Two owners would both be the
    holder of one lock, and no epoch would tell them apart. Raises `Permanent` when there is one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        private_folder(path.parent)
        self._lock = path.with_name(f"{path.name}.lock").open("w")  # the kernel frees it for us
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise Permanent(
                f"{path} is in use: another agent runs on this node",
                cure="End the other one first: systemctl stop bob-agent",
            ) from None

    def load(self) -> str:
        """See `SessionMemory.load`."""
        try:
            return self._path.read_text().strip()
        except FileNotFoundError:
            return ""

    def save(self, session: str) -> None:
        """See `SessionMemory.save`."""
        write_private(self._path, session.encode(), durable=False)

    def close(self) -> None:
        """Give the file up to another process."""
        self._lock.close()
