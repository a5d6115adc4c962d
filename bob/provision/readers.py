"""Which unit reads a file: it is stale when the file was replaced after its start."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from bob.provision.agents import BOB_CONFIG_DIR, BOB_UNIT, CONFIG_ROOT, UNIT_DIR


def units_reading(paths: Iterable[str]) -> frozenset[str]:
    """Names of the units whose configuration or own file is among `paths`."""
    found = set()
    for path in map(PurePosixPath, paths):
        if path.is_relative_to(BOB_CONFIG_DIR):
            found.add(BOB_UNIT)
        elif path.is_relative_to(CONFIG_ROOT):
            found.add(path.relative_to(CONFIG_ROOT).parts[0])
        elif path.is_relative_to(UNIT_DIR):
            found.add(path.stem)
    return frozenset(found)
