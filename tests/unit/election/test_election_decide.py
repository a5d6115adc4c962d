"""The judgement of the election, case by case."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from bob.clients.consul import KvEntry
from bob.clients.consul.kv import WAIT_SECONDS
from bob.election.decide import (
    LEADER_KEY,
    Acquire,
    Action,
    Create,
    Leadership,
    Renew,
    View,
    Watch,
    decide,
    leadership,
)
from bob.election.timing import RETRY_SECONDS, Timing

TIMING = Timing()
NAME = b"n1"
NOW = 1000.0
OURS, THEIRS = "session-1", "session-2"


def key(holder: str, value: bytes = NAME, epoch: int = 7) -> KvEntry:
    return KvEntry(LEADER_KEY, value, 0, 1, 20, epoch, holder)


LEADING = View(session=OURS, renewed=NOW - 0.5, key=key(OURS), index=20)
LEFT = TIMING.interval - 0.5


@pytest.mark.parametrize(
    ("view", "action"),
    [
        (View(), Watch(0)),
        (View(session=OURS), Watch(0)),
        (View(index=20), Create()),  # nobody has ever led
        (View(key=key(""), index=20), Create()),
        (View(key=key(THEIRS), index=20), Watch(WAIT_SECONDS)),  # no session without need
        (View(session=OURS, renewed=0.0, key=key(THEIRS), index=20), Watch(WAIT_SECONDS)),
        (View(session=OURS, renewed=0.0, key=key(""), index=20), Renew()),  # does it still live?
        (View(session=OURS, renewed=NOW, key=key(""), index=20), Acquire()),
        (View(session=OURS, renewed=NOW, index=20), Acquire()),
        (
            View(session=OURS, renewed=NOW, key=key(""), index=20, not_before=NOW + 0.1),
            Watch(RETRY_SECONDS),  # a lock delay runs
        ),
        (LEADING, Watch(LEFT)),
        (replace(LEADING, renewed=NOW - TIMING.interval), Renew()),
        (replace(LEADING, renewed=-inf), Renew()),  # restarted: first hear that it still lives
        (replace(LEADING, key=key(OURS, b"the process before")), Acquire()),  # writes our name
        (replace(LEADING, key=None, index=0), Watch(0)),  # a write was refused: look again
    ],
)
def test_the_next_action(view: View, action: Action) -> None:
    assert decide(view, NOW, TIMING, NAME) == action


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(session=OURS, renewed=NOW, key=key(THEIRS), index=20),
        View(session=OURS, renewed=NOW, key=key(""), index=20),
        View(session="", renewed=NOW, key=key(""), index=20),
        replace(LEADING, key=None, index=0),
        replace(LEADING, renewed=-inf),
        replace(LEADING, renewed=NOW - TIMING.validity),
    ],
)
def test_who_cannot_be_sure_does_not_lead(view: View) -> None:
    assert leadership(view, NOW, TIMING) is None


def test_leadership_has_an_epoch_and_an_end() -> None:
    end = LEADING.renewed + TIMING.ttl - TIMING.margin
    assert leadership(LEADING, NOW, TIMING) == Leadership(7, OURS, end)
    assert leadership(LEADING, end - 0.001, TIMING) is not None
    assert leadership(LEADING, end, TIMING) is None
