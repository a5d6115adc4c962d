"""A folder with the user's own binaries."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from bob.errors import UsageError
from bob.toolchain import cache
from bob.toolchain.locks import locked
from bob.toolchain.model import Run, Tool, Unavailable, Wanted
from bob.toolchain.tools import TOOLS


@dataclass(frozen=True)
class Given:
    """Binaries below `folder`, named like the tools. They are used where they are, not copied."""

    folder: Path
    name: str = "path"

    def check(self) -> None:
        """Raise `UsageError` when the folder holds none of the tools: the path must be wrong."""
        if not any((self.folder / name).is_file() for name in TOOLS):
            raise UsageError(
                f"{self.folder} holds none of {', '.join(TOOLS)}",
                cure="Give the folder that holds the binaries with --path.",
            )

    def find(self, wanted: Wanted, run: Run) -> Tool:
        """The user's binary. Another version than the wanted one is a `UsageError`."""
        binary = (self.folder / wanted.name).absolute()
        if not binary.is_file():
            raise Unavailable(f"{self.folder} has no file {wanted.name}")
        if not os.access(binary, os.X_OK):
            raise UsageError(f"{binary} is not executable", cure=f"chmod +x {binary}")
        key = hashlib.sha256(str(binary).encode()).hexdigest()[:16]
        slot = cache.slot_of(wanted.name, wanted.version, f"{self.name}-{key}")
        if stamp := cache.read_stamp(slot):
            return cache.tool_of(wanted.name, slot, stamp)
        with locked(wanted.name, run):
            return self._examine(binary, slot, wanted, run)

    def _examine(self, binary: Path, slot: Path, wanted: Wanted, run: Run) -> Tool:
        from bob.toolchain.verify import version_of

        run.progress.stage(wanted.name, f"checking {binary}")
        version = version_of(binary, wanted.spec, run)
        if version != wanted.version:
            raise UsageError(
                f"{binary} is version {version}, wanted is {wanted.version}",
                cure=f"Put {wanted.name} {wanted.version} there, or ask for {version} "
                "in the inventory.",
            )
        return cache.record(wanted.name, slot, binary, version, self.name)
