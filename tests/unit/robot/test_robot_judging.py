"""A guard that refuses only for a moment does not end an operation; one that stays does."""

from __future__ import annotations

import pytest
from sim_clock import SimClock

from bob.errors import GuardRefused, UsageError
from bob.robot.judging import GUARD_SECONDS, outlast
from bob.waiting import Clock


class Judge:
    """A guard refuses until `sound`; `calls` are the moments when it was asked."""

    def __init__(self, sound: float) -> None:
        self.time, self.sound = SimClock(), sound
        self.calls: list[float] = []
        self.said: list[str] = []

    def __call__(self) -> None:
        self.calls.append(self.time.now())
        if self.time.now() < self.sound:
            raise GuardRefused("n3 is not healthy in Nomad")

    def outlast(self) -> None:
        outlast(self, self.said.append, Clock(self.time.now, self.time.advance))


def test_what_passes_is_waited_for_and_told() -> None:
    judge = Judge(sound=7.0)
    judge.outlast()
    assert 7.0 <= judge.calls[-1] < 10.0
    assert set(judge.said) == {"waits: n3 is not healthy in Nomad"}


def test_nothing_is_waited_for_when_no_guard_refuses() -> None:
    judge = Judge(sound=0.0)
    judge.outlast()
    assert judge.calls == [0.0]
    assert judge.said == []


def test_what_stays_is_refused_in_the_end() -> None:
    judge = Judge(sound=1000.0)
    with pytest.raises(GuardRefused):
        judge.outlast()
    assert GUARD_SECONDS <= judge.time.now() < GUARD_SECONDS + 5


def test_what_was_wrong_from_the_start_is_not_waited_for() -> None:
    def judge() -> None:
        raise UsageError("there is no such node")

    time = SimClock()
    with pytest.raises(UsageError):
        outlast(judge, print, Clock(time.now, time.advance))
    assert time.now() == 0.0
