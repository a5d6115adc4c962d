"""The highest epoch this node has obeyed, kept over reboots."""

from __future__ import annotations

from pathlib import Path

from bob import logs
from bob.provision.private_files import write_private


class EpochFile:
    """One number in a file. A file that holds none counts as 0: the lock guards us all the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.value = self._load()

    def set(self, epoch: int) -> None:
        """Keep this epoch."""
        if epoch != self.value:
            write_private(self._path, f"{epoch}\n".encode())
            self.value = epoch

    def _load(self) -> int:
        try:
            text = self._path.read_text().strip()
        except FileNotFoundError:
            return 0
        if not text.isdigit():
            logs.get().warning("epoch file damaged", path=str(self._path))
            return 0
        return int(text)
