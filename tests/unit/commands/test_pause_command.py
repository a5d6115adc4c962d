"""`bob pause` and `bob resume`: who, why, until when."""

from __future__ import annotations

import datetime
import json

import pytest
from operator_world import World

from bob.__main__ import run
from bob.errors import UsageError
from bob.pause import Pause, parse_pause, parse_until

EAST = datetime.timezone(datetime.timedelta(hours=2))
NOW = datetime.datetime(2026, 1, 31, 14, 0, tzinfo=EAST)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("90s", "2026-01-31T12:01:30"),
        ("30m", "2026-01-31T12:30:00"),
        ("2h", "2026-01-31T14:00:00"),
        ("1d", "2026-02-01T12:00:00"),
        ("14:30", "2026-01-31T12:30:00"),
        ("13:00", "2026-02-01T11:00:00"),
        ("2026-02-01T08:00", "2026-02-01T06:00:00"),
        ("2026-02-01T08:00+00:00", "2026-02-01T08:00:00"),
        ("2026-02-01", "2026-01-31T22:00:00"),
    ],
)
def test_the_end_as_people_write_it(text: str, utc: str) -> None:
    assert parse_until(text, NOW) == datetime.datetime.fromisoformat(utc + "+00:00")


@pytest.mark.parametrize("text", ["", "soon", "30", "25:00", "0s", "2026-01-31T13:59"])
def test_an_end_that_is_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_until(text, NOW)


def test_a_pause_ends_by_itself() -> None:
    end = datetime.datetime.fromtimestamp(1000, datetime.UTC)
    assert Pause(until=end).in_force(999.9)
    assert not Pause(until=end).in_force(1000.0)
    assert Pause().in_force(1e12)


@pytest.mark.parametrize("value", [b"", b"yes", b'{"until": "soon"}', b"[]"])
def test_a_pause_that_cannot_be_read_holds(value: bytes) -> None:
    assert parse_pause(value).in_force(1e12)


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse_pause(b'{"until": "1970-01-01T00:00:10"}').in_force(9.9)


def test_the_robot_is_paused_and_goes_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pause", "--why", "new switches", "--until", "2h", "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    stored = parse_pause(world.state.entries["bob/pause"].value)
    assert (stored.why, shown["schema"]) == ("new switches", "bob/pause/1")
    assert stored.who == shown["pause"]["who"]
    assert stored.until is not None
    assert run(["resume"]) == 0
    assert "paused by" in capsys.readouterr().out
    assert "bob/pause" not in world.state.entries
    assert run(["resume"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_wrong_end_changes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pause", "--until", "soon"]) == 2
    assert "a duration (90s, 30m, 2h, 1d)" in capsys.readouterr().err
    assert "bob/pause" not in world.state.entries
