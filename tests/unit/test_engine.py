"""The engine against steps that fail, crash and lie."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bob.errors import BobError, Permanent, ScopeHeld, Temporary
from bob.ops.engine import Engine
from bob.ops.file_store import FileStore
from bob.ops.record import Operation, StepRecord, new_id
from bob.ops.states import ALLOWED, FINISHED, State, StepState, check_change
from bob.ops.step import DONE, Probe, Step, impossible, needed
from bob.ops.store import Conflict
from bob.waiting import Clock, Deadline


@dataclass
class World:
    """What the steps change: how often each was applied, and what happens on the way."""

    applied: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda name: None
    after: Callable[[str], None] = lambda name: None


def make_steps(*names: str, effect: bool = True) -> list[Step[World]]:
    def make(step_name: str) -> Step[World]:
        class Simple(Step[World]):
            name = step_name
            title = f"do {step_name}"

            def probe(self, context: World) -> Probe:
                return DONE if step_name in context.applied else needed("it is not there")

            def apply(self, context: World, deadline: Deadline) -> None:
                context.before(step_name)
                if effect:
                    context.applied.append(step_name)
                context.after(step_name)

        return Simple()

    return [make(name) for name in names]


class Quiet:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, step: StepRecord, reason: str) -> None:
        self.seen.append(f"{step.name} started")

    def retrying(self, step: StepRecord, error: BobError, delay: float) -> None:
        self.seen.append(f"{step.name} retrying after {delay:g}")

    def finished(self, step: StepRecord, applied: bool) -> None:
        self.seen.append(f"{step.name} {'finished' if applied else 'was done'}")


class Bench:
    """A store with one operation over three steps, and an engine whose sleeps take no time."""

    def __init__(self, folder: Path, steps: list[Step[World]] | None = None) -> None:
        self.store = FileStore(folder)
        self.steps = steps or make_steps("one", "two", "three")
        self.observer = Quiet()
        self.slept: list[float] = []
        records = tuple(StepRecord(name=s.name, title=s.title) for s in self.steps)
        self.id = new_id()
        self.store.create(
            Operation(id=self.id, kind="test", target="t", scopes=("control-plane",), steps=records)
        )

    def run(self, world: World) -> Operation:
        clock = Clock(now=lambda: sum(self.slept), sleep=self.slept.append)
        utc = lambda: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)  # noqa: E731
        return Engine(self.store, self.steps, self.observer, clock, utc).run(self.id, world)


class Killed(BaseException):
    """The process ends here."""


def test_every_step_is_applied_once_in_order(tmp_path: Path) -> None:
    bench, world = Bench(tmp_path), World()
    operation = bench.run(world)
    assert world.applied == ["one", "two", "three"]
    assert operation.state is State.DONE
    assert [s.state for s in operation.steps] == [StepState.DONE] * 3
    assert bench.store.active("control-plane") is None


def test_what_is_done_already_is_not_applied(tmp_path: Path) -> None:
    bench, world = Bench(tmp_path), World(applied=["two"])
    bench.run(world)
    assert world.applied == ["two", "one", "three"]
    assert "two was done" in bench.observer.seen


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("where", ["one", "two", "three"])
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, moment: str, where: str) -> None:
    def die(name: str) -> None:
        if name == where:
            raise Killed

    bench = Bench(tmp_path)
    world = World(**{moment: die})
    with pytest.raises(Killed):
        bench.run(world)
    assert bench.store.read(bench.id)[0].state is State.RUNNING
    operation = bench.run(World(applied=world.applied))
    assert world.applied == ["one", "two", "three"]
    assert operation.state is State.DONE


def test_a_temporary_failure_is_tried_again_later_and_later(tmp_path: Path) -> None:
    left = [Temporary("no", delay=2), Temporary("no", delay=2)]

    def fail(name: str) -> None:
        if name == "two" and left:
            raise left.pop()

    bench = Bench(tmp_path)
    operation = bench.run(World(before=fail))
    assert bench.slept == [2, 4]
    assert operation.step("two").attempts == 3


def test_a_failure_is_written_down_and_can_be_run_again(tmp_path: Path) -> None:
    def refuse(name: str) -> None:
        if name == "two":
            raise Permanent("the disk is full")

    bench, world = Bench(tmp_path), World(before=refuse)
    with pytest.raises(Permanent, match="the disk is full"):
        bench.run(world)
    stored, _ = bench.store.read(bench.id)
    assert stored.state is State.FAILED
    assert stored.step("two").error == "the disk is full"
    assert bench.store.active("control-plane") == bench.id
    world.before = lambda name: None
    assert bench.run(world).step("two").error == ""


def test_a_step_without_effect_fails_after_its_attempts(tmp_path: Path) -> None:
    bench = Bench(tmp_path, make_steps("one", effect=False))
    with pytest.raises(Temporary, match="still needed: it is not there"):
        bench.run(World())
    assert bench.store.read(bench.id)[0].step("one").attempts == 3


def test_the_record_of_a_further_attempt_says_what_the_last_one_met(tmp_path: Path) -> None:
    bench = Bench(tmp_path, make_steps("one"))
    read: list[str] = []

    def stumble(name: str) -> None:
        read.append(bench.store.read(bench.id)[0].step(name).error)
        if len(read) == 1:
            raise Temporary("the door is locked")

    ended = bench.run(World(before=stumble))
    assert read == ["", "the door is locked"]
    assert ended.step("one").error == ""


def test_an_impossible_step_is_not_applied(tmp_path: Path) -> None:
    class Hopeless(Step[World]):
        name = "hopeless"
        title = "square the circle"

        def probe(self, context: World) -> Probe:
            return impossible("geometry")

        def apply(self, context: World, deadline: Deadline) -> None:
            context.applied.append("hopeless")

    bench, world = Bench(tmp_path, [Hopeless()]), World()
    with pytest.raises(Permanent, match="square the circle: geometry"):
        bench.run(world)
    assert world.applied == []


def test_a_scope_is_held_by_one_operation(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(ScopeHeld, match=bench.id):
        bench.store.create(Operation(id=new_id(), kind="x", target="t", scopes=("control-plane",)))
    bench.store.create(Operation(id=new_id(), kind="x", target="t", scopes=("node/n4",)))


def test_a_write_over_a_newer_record_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    operation, version = bench.store.read(bench.id)
    bench.store.write(operation.with_state(State.RUNNING), version)
    with pytest.raises(Conflict):
        bench.store.write(operation.with_state(State.RUNNING), version)


def test_a_holder_that_died_before_its_record_was_stored_holds_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    (tmp_path / "active.json").write_text('{"control-plane": "gone"}')
    assert store.active("control-plane") is None


@given(st.lists(st.sampled_from(State), max_size=12))
def test_no_walk_leaves_a_finished_state(walk: list[State]) -> None:
    state = State.PENDING
    for new in walk:
        if (state, new) in ALLOWED:
            assert state not in FINISHED
            state = check_change(state, new)
        else:
            with pytest.raises(ValueError, match=f"from {state} to {new}"):
                check_change(state, new)


def test_every_state_is_reachable_and_only_finished_ones_are_final() -> None:
    assert {new for _, new in ALLOWED} | {State.PENDING} == set(State)
    assert {s for s in State if not any(old is s for old, _ in ALLOWED)} == FINISHED
