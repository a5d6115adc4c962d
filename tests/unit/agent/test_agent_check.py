"""When Consul hears about the daemon, and what."""

from __future__ import annotations

import pytest

from bob.daemon.check import (
    BETWEEN_SECONDS,
    REFRESH_SECONDS,
    Announce,
    Published,
    Refresh,
    Said,
    decide,
)

OLD, NEW = Said("passing", "follows"), Said("passing", "leads")


@pytest.mark.parametrize(
    ("published", "said", "now", "expected"),
    [
        (None, OLD, 0.0, Announce(OLD)),
        (Published(OLD, 0), OLD, REFRESH_SECONDS - 0.1, None),
        (Published(OLD, 0), OLD, REFRESH_SECONDS, Refresh(OLD)),
        (Published(OLD, 0), NEW, BETWEEN_SECONDS, Announce(NEW)),
        (Published(OLD, 0), NEW, BETWEEN_SECONDS - 0.1, None),  # a write each: not too often
        (Published(OLD, 0), Said("warning", "follows"), BETWEEN_SECONDS, Announce(
            Said("warning", "follows"))),
    ],
)  # fmt: skip
def test_what_is_told(
    published: Published | None, said: Said, now: float, expected: object
) -> None:
    assert decide(published, said, now) == expected
