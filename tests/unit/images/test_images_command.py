"""`bob images`: its view, and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bob.__main__ import run as bob
from bob.images import store
from bob.images.archive import Packed
from bob.images.recipes import Recipes


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, and no sandbox."""
    monkeypatch.setenv("BOB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BOB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BOB_SANDBOX", str(tmp_path / "sandboxes"))


def put_base() -> None:
    recipe = Recipes().recipe("base")
    folder = store.folder_of(recipe, None)
    folder.mkdir(parents=True)
    digest = f"sha256:{'1' * 64}"
    versions = dict.fromkeys((*recipe.packages, recipe.main_package), "1.0")
    store.save(folder, Packed(digest, digest, 1000, 3000), versions)


def test_without_a_sandbox_the_images_are_listed_and_no_registry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_base()
    assert bob(["images", "ls", "-o", "json"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert (view["schema"], view["registry"]) == ("bob/images/1", None)
    rows = {row["name"]: row for row in view["images"]}
    assert rows["base"]["built"]["version"] == "1.0"
    assert (rows["base"]["built"]["size"], rows["base"]["built"]["unpacked"]) == (1000, 3000)
    assert rows["keystone"] == {
        "name": "keystone", "title": "OpenStack Identity", "base": "osbase",
        "built": None, "registry": None,
    }  # fmt: skip


def test_people_see_what_is_not_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert bob(["images", "ls"]) == 0
    assert "not built" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["push", "base", "--registry", "127.0.0.1:1"], 2, "bob images build base"),
        (["push", "nonesuch", "--registry", "127.0.0.1:1"], 2, "there is no image 'nonesuch'"),
        (["push", "base"], 2, "there is no sandbox"),
        (["push", "base", "--registry", "host:1/path"], 2, "not the address of a registry"),
        (["ls", "--registry", "127.0.0.1:1"], 1, "does not answer"),
    ],
)
def test_what_is_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert bob(["images", *words]) == code
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_building_without_root_is_refused_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert bob(["images", "build", "base"]) == 3
    assert "sudo" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()
