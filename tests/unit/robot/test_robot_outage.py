"""A server that elects a leader costs a step no attempt, for a while."""

from __future__ import annotations

import pytest
from memory_store import MemoryStore
from sim_clock import SimClock

from bob.clients.http import Unreachable
from bob.errors import BobError, Temporary
from bob.ops.engine import Engine
from bob.ops.record import Operation, StepRecord, new_id, records_of
from bob.ops.states import State
from bob.ops.step import DONE, Probe, Step, needed
from bob.waiting import Clock, Deadline

OUTAGE = 60.0


class Silent:
    def started(self, step: StepRecord, reason: str) -> None: ...
    def retrying(self, step: StepRecord, error: BobError, delay: float) -> None: ...
    def finished(self, step: StepRecord, applied: bool) -> None: ...


class Call(Step[SimClock]):
    """Needs a server that is away until `back`."""

    name = "call"
    title = "Call it"

    def __init__(self, back: float, where: str, error: BobError) -> None:
        self.back, self.where, self.error = back, where, error
        self.done = False

    def probe(self, context: SimClock) -> Probe:
        self._ask(context, "probe")
        return DONE if self.done else needed("nobody called")

    def apply(self, context: SimClock, deadline: Deadline) -> None:
        self._ask(context, "apply")
        self.done = True

    def _ask(self, context: SimClock, where: str) -> None:
        if where == self.where and context.now() < self.back:
            raise self.error


def run(step: Call) -> tuple[Operation, float]:
    time, store = SimClock(), MemoryStore()
    made = Operation(id=new_id(), kind="k", target="t", scopes=(), steps=records_of([step]))
    store.create(made)
    clock = Clock(time.now, time.advance)
    try:
        Engine(store, [step], Silent(), clock, outage=OUTAGE).run(made.id, time)
    except BobError as error:
        assert error is step.error
    return store.read(made.id)[0], time.now()


@pytest.mark.parametrize("where", ["probe", "apply"])
@pytest.mark.parametrize(
    ("back", "error", "state", "ends"),
    [
        (10.0, Unreachable("no leader", sent=False), State.DONE, 11.0),
        (OUTAGE + 30, Unreachable("no leader", sent=False), State.FAILED, OUTAGE + 5),
        (10.0, Temporary("busy"), State.FAILED, 4.0),
        (2.0, Temporary("busy"), State.DONE, 4.0),
    ],
)
def test_an_outage(where: str, back: float, error: BobError, state: State, ends: float) -> None:
    ended, seconds = run(Call(back, where, error))
    assert ended.state is state
    assert seconds <= ends
