"""The session id below /run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bob.election import SessionFile
from bob.errors import Permanent


def test_the_id_is_found_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "bob" / "session"
    first = SessionFile(path)
    assert first.load() == ""
    first.save("abc")
    assert first.load() == "abc"
    first.close()
    second = SessionFile(path)
    assert second.load() == "abc"
    second.save("")
    assert second.load() == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_agents_cannot_share_a_session(tmp_path: Path) -> None:
    path = tmp_path / "session"
    first = SessionFile(path)
    with pytest.raises(Permanent, match="another agent runs on this node"):
        SessionFile(path)
    first.close()
    SessionFile(path).close()
