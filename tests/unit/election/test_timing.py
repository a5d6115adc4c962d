"""The laws between the times of the election."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bob.election import Timing
from bob.errors import UsageError


def test_the_defaults_keep_the_laws_with_room_to_spare() -> None:
    timing = Timing()
    assert timing.validity == 9.0
    assert timing.slowest_renewal == 2.0 * 17 / 16 + 3 * 2.0 + 0.5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ttl": 0.0}, "above 0"),
        ({"interval": -1.0}, "above 0"),
        ({"timeout": 0.0}, "above 0"),
        ({"lock_delay": -0.1}, "lock_delay -0.1 s is not within 0 to 60"),
        ({"lock_delay": 61.0}, "lock_delay 61 s"),
        ({"margin": 0.4}, "margin 0.4 s is below 5% of ttl 10 s"),
        ({"margin": 2.0}, r"a renewal may take 8.625 s .* valid for 8 s"),
        ({"timeout": 3.0}, "a renewal may take 11.625 s"),
        ({"interval": 3.0}, "a renewal may take 9.6875 s"),
    ],
)
def test_a_broken_law_is_named(changed: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Timing(**changed)


seconds = st.floats(0.01, 120)


@given(seconds, seconds, seconds, seconds)
def test_accepted_times_leave_room_for_two_lost_calls(
    ttl: float, interval: float, timeout: float, margin: float
) -> None:
    try:
        timing = Timing(ttl=ttl, interval=interval, timeout=timeout, margin=margin)
    except UsageError:
        return
    assert timing.margin >= 0.05 * timing.ttl
    assert interval + 3 * timeout < ttl - margin
