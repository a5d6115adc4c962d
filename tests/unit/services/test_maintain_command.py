"""What `bob maintain --deadline` understands."""

from __future__ import annotations

import pytest

from bob.commands.maintain import parse_seconds
from bob.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600), ("24h", 86400)]
)
def test_times_are_seconds_minutes_or_hours(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "0s", "-1m", "1.5h", "25h", "soon", "10 m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--deadline"):
        parse_seconds(text)
