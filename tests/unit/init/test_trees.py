"""The scripts that put a folder of files on a host, run by a real shell on this machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from local_host import Here

from bob.provision import install, trees
from bob.provision.trees import Tree
from bob.toolchain.bundle import archive
from bob.toolchain.packing import debian_archive

START = b"#!/bin/sh\ncat $(dirname $(readlink -f $0))/deep/text\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    for module in (install, trees):
        monkeypatch.setattr(module, "STALE", str(tmp_path / "stale"))
        monkeypatch.setattr(module, "STORE", str(tmp_path / "store"))
        monkeypatch.setattr(module, "BIN", tmp_path / "bin")
    return Here(tmp_path)


def make_tree(folder: Path, text: bytes) -> Tree:
    files = archive.members([], {"bob-agent": START, "deep/text": text}, compiled=False)
    files += archive.END
    digest = hashlib.sha256(text).hexdigest()
    packed = folder / f"{digest}.deb"
    packed.write_bytes(debian_archive(files))
    return Tree("bob-agent", digest, hashlib.sha256(files).hexdigest(), packed)


def started(folder: Path) -> bytes:
    return subprocess.check_output([folder / "bin/bob-agent"])


def test_a_folder_is_put_in_place_once_and_its_unit_marked(here: Here, tmp_path: Path) -> None:
    tree = make_tree(tmp_path, b"one\n")
    host: object = here
    assert install.missing_programs(host, [tree]) == (tree,)  # type: ignore[arg-type]
    install.send_program(host, tree, 10)  # type: ignore[arg-type]
    assert install.missing_programs(host, [tree]) == ()  # type: ignore[arg-type]
    assert install.stale_units(host) == ("bob-agent",)  # type: ignore[arg-type]
    assert started(tmp_path) == b"one\n"
    assert os.stat(tmp_path / "bin/bob-agent").st_mode & 0o777 == 0o755  # noqa: PTH116


def test_another_folder_takes_over_and_leaves_the_first_to_who_still_runs_it(
    here: Here, tmp_path: Path
) -> None:
    one, two = make_tree(tmp_path, b"one\n"), make_tree(tmp_path, b"two\n")
    for tree in (one, two):
        install.send_program(here, tree, 10)  # type: ignore[arg-type]
    assert started(tmp_path) == b"two\n"
    assert Path(one.place).exists()
    assert {path.name for path in (tmp_path / "store").iterdir()} == {
        Path(tree.folder).name for tree in (one, two)
    }


def test_a_folder_that_lost_a_file_to_a_power_cut_is_sent_again(here: Here, tmp_path: Path) -> None:
    tree = make_tree(tmp_path, b"one\n")
    install.send_program(here, tree, 10)  # type: ignore[arg-type]
    Path(tree.folder, "deep/text").write_bytes(b"")
    assert install.missing_programs(here, [tree]) == (tree,)  # type: ignore[arg-type]
    install.send_program(here, tree, 10)  # type: ignore[arg-type]
    assert started(tmp_path) == b"one\n"


def test_what_arrives_damaged_is_not_put_in_place(here: Here, tmp_path: Path) -> None:
    tree = make_tree(tmp_path, b"one\n")
    forged = Tree(tree.name, tree.digest, "0" * 64, tree.packed)
    install.send_program(here, forged, 10)  # type: ignore[arg-type]
    assert not Path(tree.folder).exists()
    assert not (tmp_path / "bin/bob-agent").exists()
