"""Locks and builds, with real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from bob.errors import ScopeHeld
from bob.machine.caching import build_once
from bob.machine.locking import exclusive

HOLD = """
import sys
from pathlib import Path
from bob.machine.locking import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(lock: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", HOLD, str(lock)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_held_lock_is_refused_in_time_and_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with hold(lock) as process:
        with pytest.raises(ScopeHeld) as refused, exclusive(lock, seconds=0.1, holder="busy"):
            pass
        assert (str(refused.value), refused.value.exit_code) == ("busy", 5)
        process.kill()
    with exclusive(lock, seconds=0.1):
        pass


def test_who_must_wait_is_told_once(tmp_path: Path) -> None:
    lock, told = tmp_path / "lock", []

    def release() -> None:
        told.append("waiting")
        process.kill()

    with hold(lock) as process, exclusive(lock, seconds=10, on_wait=release):
        assert told == ["waiting"]


def test_a_lock_file_that_its_holder_removed_protects_nobody(tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    def remove_and_release() -> None:
        lock.unlink()
        process.kill()

    with (
        hold(lock) as process,
        exclusive(lock, seconds=10, on_wait=remove_and_release),
        pytest.raises(ScopeHeld),
        exclusive(lock, seconds=0),
    ):
        pass


def test_a_folder_is_built_once(tmp_path: Path) -> None:
    builds = []

    def build(folder: Path, _: IO[str]) -> None:
        builds.append(folder)
        (folder / "content").write_text("x")

    target = tmp_path / "cache" / "thing"
    for _ in range(2):
        assert build_once(target, build, lambda _: None) == target
    assert len(builds) == 1
    assert (target / "content").read_text() == "x"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, stop: type[BaseException]) -> None:
    def build(folder: Path, _: IO[str]) -> None:
        (folder / "half").write_text("x")
        raise stop

    with pytest.raises(stop):
        build_once(tmp_path / "thing", build, lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_what_a_killed_build_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".building-old").mkdir()
    build_once(tmp_path / "new", lambda _, __: None, lambda _: None)
    assert not (tmp_path / ".building-old").exists()
