"""Why a layer was not built: apt's own words turned into what the operator has to do."""

from __future__ import annotations

import re

from bob.errors import Permanent
from bob.images.model import Recipe
from bob.machine import apt

ROOM_CURE = "Make room there, or move the cache with BOB_CACHE."
_UNKNOWN = re.compile(r"Unable to locate package (\S+)|Package '?([^ ']+)'? has no installation")
_FULL = re.compile(r"No space left on device|not enough free space", re.IGNORECASE)


def explain(recipe: Recipe, said: str) -> Permanent:
    """The error for a program that ended badly; `said` holds its last lines. Pure."""
    if unknown := _UNKNOWN.search(said):
        package = unknown.group(1) or unknown.group(2)
        return Permanent(
            f"images/{recipe.name}.yaml: packages: Debian has no package {package!r}",
            cure="Correct its name; `apt-cache search` finds it.",
        )
    if _FULL.search(said):
        return Permanent(f"image {recipe.name}: the disk is full", cure=ROOM_CURE)
    return Permanent(f"image {recipe.name} was not built: {said}", cure=apt.UNREACHABLE_CURE)
