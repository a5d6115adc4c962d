"""The layers that were built, below the cache.

    <cache>/images/layers/<name>/<key>/diff            content, the lower folder of later layers
    <cache>/images/layers/<name>/<key>/layer.tar.gz    what a registry gets
    <cache>/images/layers/<name>/<key>/layer.json      makes it valid
    <cache>/images/apt/…                               package lists and packages

The key follows the recipe and the content of the layer below: a layer is never used on another one
than it was made on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from bob import paths
from bob.errors import UsageError
from bob.images.archive import Packed
from bob.images.model import Recipe
from bob.machine import apt

FORMAT = 1  # part of every key: a new number for layers that are made in another way
RECORD, ARCHIVE, DIFF = "layer.json", "layer.tar.gz", "diff"
SCRIPT = "layer.sh"
# Program in every image that begins with nothing -> its source beside this file.
PROGRAMS = {
    "usr/local/bin/kolla_set_configs": "kolla/set_configs.py",
    "usr/local/bin/kolla_start": "kolla/start.py",
}


@dataclass(frozen=True)
class Layer:
    """A layer in the cache. `versions` maps packages to what was installed."""

    name: str
    folder: Path
    packed: Packed
    versions: Mapping[str, str]

    @property
    def archive(self) -> Path:
        """The compressed tar archive."""
        return self.folder / ARCHIVE

    @property
    def diff(self) -> Path:
        """The content."""
        return self.folder / DIFF


def home() -> Path:
    """The folder of everything kept about images."""
    return paths.cache_dir() / "images"


def folder_of(recipe: Recipe, below: Layer | None) -> Path:
    """Where the layer of a recipe is, or would be."""
    return home() / "layers" / recipe.name / _key(recipe, below)


def save(folder: Path, packed: Packed, versions: Mapping[str, str]) -> None:
    """Write the record of a layer that is being made."""
    record = {"packed": asdict(packed), "versions": dict(versions)}
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n")


def find(recipe: Recipe, below: Layer | None) -> Layer | None:
    """The layer of a recipe on another layer, or None if it has not been built."""
    folder = folder_of(recipe, below)
    try:
        record = json.loads((folder / RECORD).read_text())
    except FileNotFoundError:
        return None
    return Layer(recipe.name, folder, Packed(**record["packed"]), record["versions"])


def built(chain: Sequence[Recipe]) -> tuple[Layer, ...] | None:
    """The layers of an image, the lowest first; None if one is missing."""
    layers: list[Layer] = []
    for recipe in chain:
        layer = find(recipe, layers[-1] if layers else None)
        if layer is None:
            return None
        layers.append(layer)
    return tuple(layers)


def needed(chain: Sequence[Recipe]) -> tuple[Layer, ...]:
    """Like `built`. Raises `UsageError` if a layer is missing."""
    layers = built(chain)
    if layers is None:
        name = chain[-1].name
        raise UsageError(f"image {name} has not been built", cure=f"bob images build {name}")
    return layers


def programs() -> dict[str, bytes]:
    """The programs of the Kolla contract by their path in an image."""
    package = resources.files("bob.images")
    return {path: (package / source).read_bytes() for path, source in PROGRAMS.items()}


def script() -> str:
    """The shell script that makes a layer's content."""
    return (resources.files("bob.images") / SCRIPT).read_text(encoding="utf-8")


def _key(recipe: Recipe, below: Layer | None) -> str:
    made_of = recipe.model_dump(mode="json", exclude={"title", "also", "user", "version_of"})
    parts = [made_of, below.packed.digest if below else None, apt.architecture(), _tools()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _tools() -> list[str]:
    """What else decides how a layer comes out."""
    texts = {name: hashlib.sha256(code).hexdigest() for name, code in programs().items()}
    return [str(FORMAT), hashlib.sha256(script().encode()).hexdigest(), json.dumps(texts)]
