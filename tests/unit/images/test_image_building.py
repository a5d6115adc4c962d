"""In which order layers are built, what is needed for it, and how a failure is told."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from bob.errors import Permanent, PreflightRefused
from bob.images import building, failures
from bob.images.archive import Packed
from bob.images.building import each_after_what_it_needs
from bob.images.model import Recipe
from bob.images.store import Layer


def recipe(name: str, base: str | None = None) -> Recipe:
    return Recipe(
        name=name, title=name, packages=("package",), base=base,
        debian=None if base else "bookworm",
    )  # fmt: skip


def never() -> None:
    raise AssertionError("nothing failed")


TREE = [recipe("base"), recipe("left", "base"), recipe("right", "base"), recipe("top", "left")]


def layer_of(recipe: Recipe) -> Layer:
    return Layer(recipe.name, Path("/nowhere"), Packed("", "", 0, 0), {})


def test_a_layer_is_built_after_the_one_below_it() -> None:
    done: dict[str, Layer] = {}
    seen: list[str] = []

    def one(recipe: Recipe) -> Layer:
        assert recipe.base is None or recipe.base in done
        seen.append(recipe.name)
        return layer_of(recipe)

    each_after_what_it_needs(TREE, one, done, never)
    assert sorted(seen) == ["base", "left", "right", "top"]
    assert {*done} == {*seen}


def test_layers_that_do_not_need_each_other_are_built_side_by_side() -> None:
    together = threading.Barrier(2, timeout=60)

    def one(recipe: Recipe) -> Layer:
        if recipe.name in ("left", "right"):
            together.wait()
        return layer_of(recipe)

    each_after_what_it_needs(TREE, one, {}, never)


def test_after_a_failure_nothing_more_begins_and_what_runs_is_stopped() -> None:
    stopped = threading.Event()

    def one(recipe: Recipe) -> Layer:
        if recipe.name == "left":
            raise Permanent("no")
        if recipe.name == "right":
            assert stopped.wait(60)
        assert recipe.name != "top"
        return layer_of(recipe)

    done: dict[str, Layer] = {}
    with pytest.raises(Permanent, match="no"):
        each_after_what_it_needs(TREE, one, done, stopped.set)
    assert stopped.is_set()
    assert "top" not in done


def test_without_root_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PreflightRefused) as caught:
        building.check()
    assert "sudo" in caught.value.cure


def test_a_missing_program_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name, path: None if name == "debootstrap" else name)
    with pytest.raises(PreflightRefused, match="debootstrap") as caught:
        building.check()
    assert caught.value.cure.startswith("apt-get")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("E: Unable to locate package no-such\n", "images/base.yaml: packages: .*'no-such'"),
        ("E: Package 'old' has no installation candidate\n", "Debian has no package 'old'"),
        ("tar: write error: No space left on device\n", "the disk is full"),
        ("E: You don't have enough free space in /var: not enough free space\n", "disk is full"),
        ("sh failed with exit code 100:\nthe end\n", "base was not built: .*100:\nthe end"),
    ],
)
def test_words_of_apt_become_what_is_wrong(output: str, said: str) -> None:
    with pytest.raises(Permanent, match=f"(?s){said}") as caught:
        raise failures.explain(TREE[0], output)
    assert caught.value.cure
