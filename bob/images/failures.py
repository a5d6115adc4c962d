"""Why a layer was not built: apt's own words turned into what the operator has to do."""

from __future__ import annotations

import re

from bob.errors import Permanent
from bob.images.model import Recipe
from bob.machine import apt

LINES_KEPT = 15
ROOM_CURE = "Make room there, or move the cache with BOB_CACHE."
_UNKNOWN = re.compile(r"Unable to locate package (\S+)|Package '?([^ ']+)'? has no installation")
_FULL = re.compile(r"No space left on device|not enough free space", re.IGNORECASE)


def explain(recipe: Recipe, code: int, output: str) -> Permanent:
    """The error for a program that ended with `code` after it had said `output`. Pure."""
    if unknown := _UNKNOWN.search(output):
        package = unknown.group(1) or unknown.group(2)
        return Permanent(
            f"images/{recipe.name}.yaml: packages: Debian has no package {package!r}",
            cure="Correct its name; `apt-cache search` finds it.",
        )
    if _FULL.search(output):
        return Permanent(f"image {recipe.name}: the disk is full", cure=ROOM_CURE)
    last = "\n".join(output.splitlines()[-LINES_KEPT:])
    return Permanent(
        f"image {recipe.name} was not built: code {code}. The last lines:\n{last}",
        cure=apt.UNREACHABLE_CURE,
    )
