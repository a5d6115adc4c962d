"""Probes side by side: a hanging one stops no other, fails loudly, and is never started twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bob.errors import Temporary
from bob.waiting import wait_for
from healthcheck.probing import Probe, Prober, missing

SOON = 30.0


class Stage:
    """A prober with a clock of its own and one probe that hangs until it is let go."""

    def __init__(self) -> None:
        self.now = 0.0
        self.go = threading.Event()
        self.started = 0
        self.answers = 0
        self.error: Exception | None = None
        self.prober = Prober(
            [Probe("hangs", self._hang, 5, 10), Probe("works", self._work, 5, 10)],
            lambda: self.now,
        )

    def _hang(self) -> str:
        self.started += 1
        self.go.wait(SOON)
        return "at last"

    def _work(self) -> int:
        if self.error:
            raise self.error
        self.answers += 1
        return self.answers

    def step(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.prober.step()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.go.set()


def worked(stage: Stage, value: int) -> None:
    """The probe that works has answered so often."""

    def answered() -> bool:
        stage.step()  # its thread may not have ended yet when it was due
        return bool(stage.prober.outcomes()["works"].value == value)

    wait_for(answered, what="an answer", deadline=SOON)


def test_a_hanging_probe_does_not_stop_the_others(stage: Stage) -> None:
    stage.step()
    worked(stage, 1)
    for number in (2, 3, 4):
        stage.step(5)
        worked(stage, number)
    assert stage.started == 1
    assert missing(stage.prober.outcomes()) == {"hangs": "does not come back"}


def test_it_counts_as_hung_only_after_its_deadline(stage: Stage) -> None:
    stage.step()
    assert not stage.prober.outcomes()["hangs"].known
    stage.now += 10
    assert not stage.prober.outcomes()["hangs"].known
    stage.now += 0.1
    assert stage.prober.outcomes()["hangs"].known


def test_one_that_comes_back_is_started_again(stage: Stage) -> None:
    stage.step()
    stage.step(20)
    stage.go.set()
    wait_for(lambda: stage.prober.outcomes()["hangs"].value == "at last", what="it", deadline=SOON)
    assert missing(stage.prober.outcomes()) == {}
    stage.now += 5

    def again() -> bool:
        stage.step()
        return stage.started == 2

    wait_for(again, what="a second start", deadline=SOON)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Temporary("no answer"), "no answer"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (RuntimeError("oops"), "bug: RuntimeError: oops"),
    ],
)
def test_a_failure_keeps_the_last_answer_and_says_why(
    stage: Stage, error: Exception, told: str
) -> None:
    stage.step()
    worked(stage, 1)
    stage.error = error
    stage.now += 5

    def failed() -> bool:
        stage.step()
        return bool(stage.prober.outcomes()["works"].error)

    wait_for(failed, what="the failure", deadline=SOON)
    outcome = stage.prober.outcomes()["works"]
    assert outcome.value == 1 and told in outcome.error
    stage.error = None
    stage.step(5)
    worked(stage, 2)
    assert "works" not in missing(stage.prober.outcomes())


def test_something_that_happened_makes_a_probe_due_at_once(stage: Stage) -> None:
    stage.step()
    worked(stage, 1)
    stage.step(1)
    assert stage.answers == 1
    stage.prober.soon("works")
    stage.step(1)
    worked(stage, 2)
