"""Which operations get a worker, in which order, and which worker has to stop."""

from __future__ import annotations

from math import inf

import pytest

from bob.ops.record import Operation, StepRecord
from bob.ops.states import State, StepState
from bob.robot.decide import (
    RESTART_SECONDS,
    RETRY_LIMIT,
    RETRY_SECONDS,
    ROBOT,
    Ended,
    Look,
    Mode,
    Plan,
    Seen,
    decide,
    outdated,
    retry_delay,
)

NOW = 100.0
RUN, ABORT = Mode.RUN, Mode.ABORT


def seen(
    name: str = "a", state: State = State.PENDING, version: int = 7, *, by: str = "ann",
    failures: int = 0, final: bool = False, since: float = NOW,
) -> Seen:  # fmt: skip
    step = StepRecord(name="one", title="do", final=final, attempts=1, state=StepState.FAILED)
    made = Operation(id=name, kind="k", target="t", scopes=(f"node/{name}",), state=state,
                     requested_by=by, failures=failures, steps=(step,))  # fmt: skip
    return Seen(made, version, since)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (seen(state=State.PENDING), RUN),
        (seen(state=State.RUNNING), RUN),
        (seen(state=State.ABORTING), ABORT),
        (seen(state=State.PAUSED), None),
        (seen(state=State.FAILED), None),
        (seen(state=State.FAILED, by=ROBOT, failures=1, since=NOW - RETRY_SECONDS), RUN),
        (seen(state=State.FAILED, by=ROBOT, failures=3, since=NOW - 4 * RETRY_SECONDS), ABORT),
        (seen(state=State.FAILED, by=ROBOT, failures=3, since=0, final=True), RUN),
        (seen(state=State.DONE), None),
    ],
)
def test_each_state_gets_its_worker(one: Seen, expected: Mode | None) -> None:
    start = ((one.operation.id, expected),) if expected else ()
    assert decide(Look((one,)), NOW) == Plan(start)


@pytest.mark.parametrize(
    ("state", "at_work", "stops"),
    [
        (State.RUNNING, RUN, False),
        (State.PENDING, RUN, False),
        (State.FAILED, RUN, False),  # read before the worker began with a retry
        (State.PAUSED, RUN, True),
        (State.ABORTING, RUN, True),
        (State.ABORTING, ABORT, False),
        (State.PAUSED, ABORT, True),
    ],
)
def test_a_worker_stops_when_people_want_something_else(
    state: State, at_work: Mode, stops: bool
) -> None:
    look = Look((seen(state=state),), workers={"a": at_work})
    assert decide(look, NOW) == Plan(interrupt=("a",) if stops else ())


def test_a_pause_stops_everything_and_starts_nothing() -> None:
    look = Look((seen("a"), seen("b", State.RUNNING)), workers={"b": RUN, "c": RUN}, paused=True)
    assert decide(look, NOW) == Plan(interrupt=("b", "c"))


def test_what_was_begun_goes_first_then_the_oldest() -> None:
    look = Look(
        (seen("d"), seen("c"), seen("f", State.RUNNING), seen("e", State.ABORTING)),
        workers={"z": RUN},
    )
    assert decide(look, NOW).start == (("e", ABORT), ("f", RUN), ("c", RUN), ("d", RUN))


@pytest.mark.parametrize(
    ("version", "age", "expected"),
    [
        (6, 50.0, Plan()),  # read before the worker wrote
        (7, 0.0, Plan(again=NOW + RESTART_SECONDS)),
        (7, RESTART_SECONDS, Plan((("a", RUN),))),
        (8, 0.0, Plan((("a", RUN),))),  # somebody has changed it since
    ],
)
def test_what_a_worker_left_is_begun_again(version: int, age: float, expected: Plan) -> None:
    one = seen(state=State.RUNNING, version=version)
    assert decide(Look((one,), ended={"a": Ended(7, NOW - age)}), NOW) == expected


def test_retries_come_later_and_later() -> None:
    delays = [retry_delay(failures) for failures in range(1, 12)]
    assert delays[:4] == [10, 20, 40, 80]
    assert delays[-1] == RETRY_LIMIT
    one = seen(state=State.FAILED, by=ROBOT, failures=2, since=NOW - 5)
    assert decide(Look((one,)), NOW) == Plan(again=NOW + 15)


def test_nothing_to_do_waits_for_news() -> None:
    assert decide(Look(()), NOW) == Plan(again=inf)


def test_ends_are_forgotten_when_a_later_read_does_not_show_the_operation() -> None:
    ended = {"a": Ended(7, NOW), "b": Ended(7, NOW), "c": Ended(9, NOW)}
    assert outdated(ended, 8, ["b"]) == ("a",)
