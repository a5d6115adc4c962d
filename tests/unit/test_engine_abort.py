"""What an abort takes back, in which order, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from memory_store import MemoryStore

from bob.errors import BobError, LockLost, Permanent
from bob.ops.engine import Engine
from bob.ops.record import Operation, StepRecord, records_of
from bob.ops.states import State, StepState
from bob.ops.step import DONE, Probe, Step
from bob.ops.store import Conflict
from bob.waiting import Deadline

NAMES = ("one", "two", "three")


@dataclass
class World:
    undone: list[str] = field(default_factory=list)
    then: Callable[[str], None] = lambda name: None


def make(step_name: str, *, traces: bool = False) -> Step[World]:
    class Simple(Step[World]):
        name = step_name
        title = f"do {step_name}"
        wish_left_traces = traces

        def probe(self, context: World) -> Probe:
            return DONE

        def apply(self, context: World, deadline: Deadline) -> None:
            raise AssertionError("an abort applies nothing")

        def undo(self, context: World, deadline: Deadline) -> None:
            context.then(step_name)
            context.undone.append(step_name)

    return Simple()


class Silent:
    def started(self, step: StepRecord, reason: str) -> None: ...
    def retrying(self, step: StepRecord, error: BobError, delay: float) -> None: ...
    def finished(self, step: StepRecord, applied: bool) -> None: ...


class Bench:
    def __init__(self, *states: StepState, traces: bool = False) -> None:
        self.store = MemoryStore()
        self.steps = [make(name, traces=traces and name == "one") for name in NAMES]
        records = records_of(self.steps)
        steps = tuple(
            record.model_copy(update={"state": state, "attempts": 1})
            for record, state in zip(records, states, strict=True)
        )
        self.store.create(
            Operation(
                id="1", kind="t", target="t", scopes=("s",), steps=steps, state=State.ABORTING
            )
        )

    def abort(self, world: World) -> Operation:
        return Engine(self.store, self.steps, Silent()).abort("1", world)


def test_what_was_begun_is_taken_back_the_last_first() -> None:
    bench, world = Bench(StepState.DONE, StepState.RUNNING, StepState.PENDING), World()
    ended = bench.abort(world)
    assert world.undone == ["two", "one"]
    assert ended.state is State.ABORTED
    assert [s.state for s in ended.steps] == ["undone", "undone", "pending"]
    assert bench.store.active("s") is None


def test_what_the_wish_left_behind_is_taken_back_though_nothing_was_begun() -> None:
    pending = (StepState.PENDING,) * 3
    world = World()
    assert Bench(*pending, traces=True).abort(world).state is State.ABORTED
    assert world.undone == ["one"]
    world = World()
    Bench(*pending).abort(world)
    assert world.undone == []


def test_a_step_that_cannot_be_taken_back_fails_the_operation_and_is_tried_again() -> None:
    bench, world = Bench(StepState.DONE, StepState.DONE, StepState.DONE), World()

    def refuse(name: str) -> None:
        if name == "two":
            raise Permanent("the host is gone")

    world.then = refuse
    with pytest.raises(Permanent):
        bench.abort(world)
    failed, version = bench.store.read("1")
    assert failed.state is State.FAILED
    assert failed.step("two").error == "the host is gone"
    bench.store.write(failed.with_state(State.ABORTING), version)
    world.then = lambda name: None
    assert bench.abort(world).state is State.ABORTED
    assert world.undone == ["three", "two", "one"]


def test_another_leader_goes_on_with_an_abort() -> None:
    bench, world = Bench(StepState.DONE, StepState.DONE, StepState.DONE), World()

    def lose(name: str) -> None:
        if name == "one":
            raise LockLost("another one leads")

    world.then = lose
    with pytest.raises(LockLost):
        bench.abort(world)
    assert bench.store.read("1")[0].state is State.ABORTING
    world.then = lambda name: None
    assert bench.abort(world).state is State.ABORTED
    assert world.undone == ["three", "two", "one"]


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.DONE])
def test_only_what_is_to_be_aborted_is(state: State) -> None:
    bench = Bench(StepState.DONE, StepState.DONE, StepState.DONE)
    made, version = bench.store.read("1")
    bench.store.write(made.model_copy(update={"state": state}), version)
    world = World()
    with pytest.raises(Conflict):
        bench.abort(world)
    assert world.undone == []
