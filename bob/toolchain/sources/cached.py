"""Binaries an earlier run has downloaded or built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bob.toolchain import cache
from bob.toolchain.model import Run, Tool, Unavailable, Wanted
from bob.toolchain.tools import architecture


def release_slot(wanted: Wanted) -> Path:
    """Where a binary out of the vendor's archive is kept."""
    return cache.slot_of(wanted.name, wanted.version, f"release-{architecture()}")


def build_slot(wanted: Wanted) -> Path:
    """Where a binary of our own build is kept: another recipe is another slot."""
    key = f"build-{architecture()}-{wanted.spec.recipe}"
    return cache.slot_of(wanted.name, wanted.version, key)


@dataclass(frozen=True)
class Cached:
    """The cache. A binary is trusted while its size and time are those recorded with it."""

    name: str = "cache"

    def find(self, wanted: Wanted, run: Run) -> Tool:
        """The cached binary; nothing is run or read for it."""
        for slot, stamp in self._candidates(wanted):
            return cache.tool_of(wanted.name, slot, stamp)
        raise Unavailable(f"{wanted.name} {wanted.version} is not in the cache")

    def _candidates(self, wanted: Wanted) -> Iterator[tuple[Path, cache.Stamp]]:
        """A pin speaks of the vendor's archive only: what we build is fixed by `go.sum`."""
        slot = release_slot(wanted)
        stamp = cache.read_stamp(slot)
        if stamp and wanted.archive_sha256 in (None, stamp.origin):
            yield slot, stamp
        if wanted.version == wanted.spec.version:
            slot = build_slot(wanted)
            if stamp := cache.read_stamp(slot):
                yield slot, stamp
