"""Two real builds of one image give one digest, with what maintainer scripts leave behind."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from bob.images import building, pushing, store
from bob.images.layering import Layering
from bob.images.recipes import Recipes
from bob.images.store import Layer
from bob.machine import apt
from bob.toolchain.children import Children

NAME = f"twice-{os.getpid()}"  # in the cache beside the base, which is built only once
# A daemon with a user, a unit and a log; a program with a capability; compiled Python.
RECIPE = """
title: Twice
base: base
packages: [redis-server, iputils-ping, python3-yaml]
users: {redis: 42460}
remove: [var/lib/redis/*]
"""


@pytest.fixture
def recipes(tmp_path: Path) -> Iterator[Recipes]:
    building.check()
    base = (resources.files("images") / "base.yaml").read_text()
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / f"{NAME}.yaml").write_text(RECIPE)
    yield Recipes(tmp_path)
    for folder in (store.home() / "layers" / NAME, store.home() / "apt/packages" / NAME):
        shutil.rmtree(folder, ignore_errors=True)


def layering(*, fresh: bool) -> Layering:
    return Layering({"bookworm": apt.source_lines("bookworm")}, Children(), fresh=fresh, say=print)


def content(layer: Layer) -> dict[str, tuple[object, ...]]:
    """All that may differ, by path: it tells what to mend when the digests differ."""
    found = {}
    with tarfile.open(layer.archive) as tar:
        for each in tar:
            file = tar.extractfile(each) if each.isreg() else None
            text = hashlib.sha256(file.read()).hexdigest() if file else ""
            found[each.name] = (
                each.type, each.mode, each.uid, each.gid, each.mtime, each.linkname,
                dict(each.pax_headers), text,
            )  # fmt: skip
    return found


def test_two_builds_give_the_same_digest(recipes: Recipes) -> None:
    base = layering(fresh=False).layer(recipes.recipe("base"), [], "bookworm")
    recipe = recipes.recipe(NAME)
    first = layering(fresh=False).layer(recipe, [base], "bookworm")
    before, image = content(first), pushing.image(recipes, NAME)
    assert "usr/bin/redis-server" in before
    again = layering(fresh=True).layer(recipe, [base], "bookworm")
    after = content(again)
    different = {p for p in {*before, *after} if before.get(p) != after.get(p)}
    assert not different
    assert again.packed == first.packed
    assert pushing.image(recipes, NAME).digest == image.digest
