"""Waits end, with a reason."""

from __future__ import annotations

import pytest

from bob.errors import DeadlinePassed
from bob.waiting import Clock, Deadline, wait_for


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clock = Clock(now=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_value_of_the_condition_is_returned() -> None:
    time = Time()
    values = iter([None, "", "there"])
    found = wait_for(lambda: next(values), what="it", deadline=Deadline(10, time.clock), interval=2)
    assert found == "there"
    assert time.now == 4


def test_a_condition_is_tried_even_when_there_is_no_time() -> None:
    assert wait_for(lambda: "there", what="it", deadline=Deadline(0, Time().clock)) == "there"


def test_a_passed_deadline_names_what_did_not_happen() -> None:
    time = Time()
    with pytest.raises(DeadlinePassed, match="within 10 s: a leader") as caught:
        wait_for(lambda: None, what="a leader", deadline=Deadline(10, time.clock), cure="look")
    assert caught.value.exit_code == 7
    assert caught.value.cure == "look"
    assert 10 <= time.now <= 10.2


def test_the_condition_is_tried_once_more_after_the_deadline() -> None:
    time = Time()
    assert wait_for(
        lambda: time.now >= 10, what="it", deadline=Deadline(10, time.clock), interval=60
    )
