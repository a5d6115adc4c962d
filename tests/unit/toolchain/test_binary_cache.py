"""What makes a cached binary valid, and the copy for transfers."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from toolchain_doubles import FakeBuild
from vendor_site import program

from bob.errors import DeadlinePassed, Permanent
from bob.toolchain import Tool, cache, packed
from bob.toolchain.locks import locked
from bob.toolchain.model import Run, Wanted
from bob.toolchain.resolve import find_all, wanted_tools
from bob.toolchain.sources.cached import Cached


def build(run: Run, source: FakeBuild) -> Tool:
    return find_all(wanted_tools(["nomad"], None, None), [Cached()], [source], run).nomad


def test_build_is_reused(home: Path, run: Run, fake_build: FakeBuild) -> None:
    assert build(run, fake_build) == build(run, fake_build)
    assert fake_build.built == ["nomad"]


def test_pin_of_an_archive_says_nothing_about_a_build(
    home: Path, run: Run, fake_build: FakeBuild
) -> None:
    build(run, fake_build)
    wanted = wanted_tools(["nomad"], None, {"nomad": "c" * 64})
    assert find_all(wanted, [Cached()], [], run).nomad.source == "build"


def test_build_of_another_recipe_is_not_reused(
    home: Path, run: Run, fake_build: FakeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(run, fake_build)
    modules = tmp_path / "modules"
    shutil.copytree(Path(cache.__file__).parent / "modules", modules)
    with (modules / "nomad" / "go.sum").open("a") as sums:
        sums.write("example.org/new v1.0.0 h1:AAAA=\n")
    monkeypatch.setattr("bob.toolchain.tools.MODULES", modules)
    build(run, fake_build)
    assert fake_build.built == ["nomad", "nomad"]


@pytest.mark.parametrize("damage", ["binary", "size", "mode", "stamp", "stamp-text"])
def test_damaged_slot_is_replaced(home: Path, run: Run, fake_build: FakeBuild, damage: str) -> None:
    tool = build(run, fake_build)
    if damage == "binary":
        tool.path.unlink()
    elif damage == "size":
        tool.path.write_bytes(b"#!/bin/sh\n")
    elif damage == "mode":
        tool.path.chmod(0o644)
    elif damage == "stamp":
        (tool.slot / cache.STAMP).unlink()
    else:
        (tool.slot / cache.STAMP).write_text('{"version": ')

    repaired = build(run, fake_build)

    assert fake_build.built == ["nomad", "nomad"]
    assert repaired.path.read_bytes() == program("nomad", "1.11.3")


def test_time_alone_does_not_cost_a_build_but_the_sum_is_checked(
    home: Path, run: Run, fake_build: FakeBuild
) -> None:
    tool = build(run, fake_build)
    os.utime(tool.path, (1, 1))
    assert build(run, fake_build) == tool
    stamp = cache.read_stamp(tool.slot)
    assert stamp and stamp.mtime_ns == 1_000_000_000
    assert fake_build.built == ["nomad"]

    content = tool.path.read_bytes()
    tool.path.write_bytes(content[:-2] + b"x\n")
    build(run, fake_build)
    assert fake_build.built == ["nomad", "nomad"]


def test_cache_can_be_moved(
    home: Path, run: Run, fake_build: FakeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(run, fake_build)
    (tmp_path / "cache").rename(tmp_path / "moved")
    monkeypatch.setenv("BOB_CACHE", str(tmp_path / "moved"))
    assert build(run, fake_build).path.is_relative_to(tmp_path / "moved")
    assert fake_build.built == ["nomad"]


def test_warm_lookup_is_fast(home: Path, run: Run, fake_build: FakeBuild) -> None:
    wanted = wanted_tools(None, None, None)
    find_all(wanted, [Cached()], [fake_build], run)
    fastest = min(_timed(lambda: find_all(wanted, [Cached()], [], run)) for _ in range(5))
    assert fastest < 0.1


def test_stale_workspaces_are_swept(home: Path, run: Run, fake_build: FakeBuild) -> None:
    stale = home / "nomad" / "tmp-killed"
    stale.mkdir(parents=True)
    (stale / "nomad").write_text("half")
    build(run, fake_build)
    assert not stale.exists()


def test_waiting_for_a_lock_has_a_deadline(home: Path, run: Run) -> None:
    with (
        locked("nomad", run),
        pytest.raises(DeadlinePassed, match="installing nomad") as caught,
        locked("nomad", run, wait=0.01),
    ):
        pytest.fail("two holders at once")
    assert "fuser" in caught.value.cure


def test_cache_that_cannot_be_written_is_named(
    home: Path, run: Run, fake_build: FakeBuild, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(Permanent, match=r"cannot install nomad in .*: Not a directory") as caught:
        build(run, fake_build)
    assert "BOB_CACHE" in caught.value.cure


def test_full_disk_is_named_and_nothing_is_installed(home: Path, run: Run) -> None:
    class FullDisk(FakeBuild):
        def find(self, wanted: Wanted, run: Run) -> Tool:
            with cache.workspace(wanted.name), Path("/dev/full").open("wb", buffering=0) as sink:
                sink.write(b"x")
            raise AssertionError("the full disk took a byte")

    with pytest.raises(Permanent, match="No space left on device"):
        build(run, FullDisk())
    assert [entry.name for entry in (home / "nomad").iterdir()] == ["lock"]


def test_packed_copy_is_made_once_and_is_deterministic(
    home: Path, run: Run, fake_build: FakeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = build(run, fake_build)
    archive = packed(tool)
    made = archive.stat().st_mtime_ns
    assert unpacked(archive) == tool.path.read_bytes()
    assert packed(tool).stat().st_mtime_ns == made

    monkeypatch.setenv("BOB_CACHE", str(tmp_path / "second"))
    assert packed(build(run, fake_build)).read_bytes() == archive.read_bytes()


def test_packed_copy_follows_a_replaced_binary(home: Path, own_binaries: Path) -> None:
    from bob.toolchain import ensure

    first = packed(ensure(["consul"], path=own_binaries).consul).read_bytes()
    with (own_binaries / "consul").open("a") as script:
        script.write("# longer\n")
    tool = ensure(["consul"], path=own_binaries).consul
    second = packed(tool).read_bytes()
    assert second != first
    assert unpacked(packed(tool)) == tool.path.read_bytes()


def unpacked(archive: Path) -> bytes:
    """The program in an archive, read as a host reads it."""
    with archive.open("rb") as source:
        tar = subprocess.check_output(["dpkg-deb", "--fsys-tarfile", "-"], stdin=source)
    return subprocess.check_output(["tar", "-xO"], input=tar)


def _timed(action: object) -> float:
    assert callable(action)
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
