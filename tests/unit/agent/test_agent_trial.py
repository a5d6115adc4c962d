"""A new bob-agent proves itself, or its predecessor is put back; systemd is played."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bob.agent import trial

PLAYED = """#!/bin/sh
echo "$*" >>{log}
case $1 in show) n=$(cat {count} 2>/dev/null || echo 0); echo $((n+1)) >{count}
  sed -n "$((n+1))p" {states} | tr ' ' '\\n';;
esac
"""
GOOD, OLD, DOWN = "MainPID=20 ActiveState=active", "MainPID=10 ActiveState=active", (
    "MainPID=0 ActiveState=activating"
)  # fmt: skip


@pytest.mark.parametrize(
    ("states", "stays"),
    [
        ([OLD, DOWN] + [GOOD] * 5, True),
        ([GOOD] * 3 + [DOWN] + [GOOD] * 5, True),
        ([DOWN] * 60, False),
        ([OLD] * 60, False),
        ([GOOD, DOWN] * 30, False),
    ],
)
def test_only_what_stays_active_for_a_while_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: list[str], stays: bool
) -> None:
    programs, log = tmp_path / "bin", tmp_path / "log"
    programs.mkdir()
    (tmp_path / "states").write_text("\n".join(states) + "\n")
    played = PLAYED.format(log=log, count=tmp_path / "count", states=tmp_path / "states")
    for name, text in (("systemctl", played), ("sleep", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    link = programs / "bob-agent"
    link.symlink_to("/new")
    monkeypatch.setattr(trial, "BIN_DIR", programs)
    subprocess.run(
        ["sh", "-c", trial.script(10, "/former")], check=True, timeout=60,
        env={"PATH": f"{programs}:/usr/bin:/bin"},
    )  # fmt: skip
    assert str(link.readlink()) == ("/new" if stays else "/former")
    assert ("restart bob-agent" in log.read_text()) is not stays
