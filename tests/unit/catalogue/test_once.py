"""What prepares a database runs once for it, whoever comes first."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

PROGRAM = str(resources.files("jobs") / "shared" / "once.py")
# Stands for the library: the marks are lines of a file, the lock is free unless it is said.
DATABASE = """
import os
from pathlib import Path

MARKS = Path(__file__).with_name("marks")

class OperationalError(Exception): pass

class Cursor:
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def execute(self, text, values=()):
        known = MARKS.read_text().splitlines() if MARKS.exists() else []
        self.row = None
        if "GET_LOCK" in text:
            self.row = (0 if os.environ.get("HELD") else 1,)
        elif text.startswith("SELECT"):
            self.row = ("then",) if values[0] in known else None
        elif text.startswith("INSERT"):
            MARKS.write_text("\\n".join([*known, values[0]]))
    def fetchone(self): return self.row

class Connection:
    def cursor(self): return Cursor()
    def ping(self, reconnect): pass

def connect(**_): return Connection()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pymysql.py").write_text(DATABASE)
    return tmp_path


def once(folder: Path, step: str, *commands: str, **more: str) -> subprocess.CompletedProcess[str]:
    account = {"DB_HOST": "h", "DB_PORT": "1", "DB_USER": "keystone", "DB_PASSWORD": "pw"}
    return subprocess.run(
        [sys.executable, PROGRAM, step, *commands], capture_output=True, text=True, check=False,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder), **account, **more},
    )  # fmt: skip


def done(folder: Path) -> str:
    return (folder / "done").read_text()


def test_the_commands_run_once_for_a_step_and_in_their_order(folder: Path) -> None:
    for step in ("one", "one", "two"):
        assert once(folder, step, "printf a >> done", "printf b >> done").returncode == 0
    assert done(folder) == "abab"


def test_another_value_is_another_step_and_is_not_kept(folder: Path) -> None:
    for value in ("first", "first", "second"):
        assert once(folder, "one", "printf a >> done", ONCE_FOR=value).returncode == 0
    assert done(folder) == "aa"
    marks = (folder / "marks").read_text()
    assert "first" not in marks
    assert all(len(mark) <= 64 for mark in marks.splitlines())


def test_a_step_that_failed_is_done_again(folder: Path) -> None:
    assert once(folder, "one", "printf a >> done", "exit 3").returncode != 0
    assert once(folder, "one", "printf a >> done").returncode == 0
    assert done(folder) == "aa"


def test_while_another_one_holds_the_lock_nothing_runs(folder: Path) -> None:
    held = once(folder, "one", "printf a >> done", HELD="yes")
    assert held.returncode != 0
    assert "holds the lock bob_once_keystone" in held.stderr
    assert not (folder / "done").exists()
