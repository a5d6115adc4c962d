"""Children end when they must: on failure, too late, stopped, or with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bob.toolchain.children import ChildFailed, Children, Stopped
from bob.waiting import wait_for

FOREVER = "echo $$ > pids; sleep 600 & echo $! >> pids; wait"


def pids_of(folder: Path) -> list[int]:
    """The two processes of FOREVER, as soon as both are known."""

    def read() -> list[int] | None:
        file = folder / "pids"
        found = [int(word) for word in file.read_text().split()] if file.exists() else []
        return found if len(found) == 2 else None

    return wait_for(read, what="the child tells its processes", deadline=60, interval=0.01)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_output_input_and_lines() -> None:
    lines: list[str] = []
    command = ["sh", "-c", "cat; echo err >&2"]
    output = Children().run(command, seconds=10, feed="in\n", on_line=lines.append)
    assert output == "in\nerr\n"
    assert lines == ["in", "err"]


def test_failure_shows_the_last_lines() -> None:
    with pytest.raises(ChildFailed, match="exit code 7") as caught:
        Children().run(["sh", "-c", "seq 100; exit 7"], seconds=10)
    assert caught.value.message.endswith("\n99\n100")
    assert "\n80\n" not in caught.value.message


def test_late_child_is_ended_with_its_group(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="longer than"):
        Children().run(["sh", "-c", FOREVER], seconds=0.5, cwd=tmp_path)
    wait_for(lambda: all(map(gone, pids_of(tmp_path))), what="both ended", deadline=10)


def test_stop_ends_running_children_and_forbids_new_ones(tmp_path: Path) -> None:
    children = Children()
    caught: list[BaseException] = []

    def work() -> None:
        try:
            children.run(["sh", "-c", FOREVER], seconds=600, cwd=tmp_path)
        except Stopped as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    pids = pids_of(tmp_path)
    children.stop()
    thread.join(10)
    assert len(caught) == 1
    wait_for(lambda: all(map(gone, pids)), what="both ended", deadline=10)
    with pytest.raises(Stopped):
        children.run(["true"], seconds=10)


def test_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    code = "from bob.toolchain.children import Children as C; C().run(['sh','-c',%r], seconds=600)"
    parent = subprocess.Popen([sys.executable, "-c", code % FOREVER], cwd=tmp_path)
    child, grandchild = pids_of(tmp_path)
    try:
        parent.kill()
        parent.wait(10)
        wait_for(lambda: gone(child), what="the child ended", deadline=10)
    finally:
        os.kill(grandchild, signal.SIGKILL)
