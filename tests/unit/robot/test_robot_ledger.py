"""The record that engine, sentences and people write at the same time."""

from __future__ import annotations

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.errors import GuardRefused
from bob.ops.consul_store import ConsulStore
from bob.ops.record import Operation, StepRecord, new_id
from bob.ops.states import State, StepState
from bob.ops.store import Conflict
from bob.robot.ledger import SAY_SECONDS, Ledger
from bob.robot.term import Interrupt
from bob.waiting import Clock


class Desk:
    """An operation in the hands of a worker."""

    def __init__(self, state: State = State.RUNNING) -> None:
        self.time = SimClock()
        self.store = ConsulStore(FakeConsul(ConsulState(self.time)))
        self.interrupt = Interrupt()
        clock = Clock(self.time.now, self.time.advance)
        self.ledger = Ledger(self.store, self.interrupt, clock)
        steps = tuple(StepRecord(name=name, title=name) for name in ("one", "two"))
        made = Operation(id=new_id(), kind="k", target="t", scopes=("s",), state=state, steps=steps)
        self.store.create(made)
        self.operation, self.version = self.ledger.read(made.id)

    def stored(self) -> Operation:
        return self.store.read(self.operation.id)[0]

    def step(self, name: str, state: StepState) -> Operation:
        return self.operation.with_step(StepRecord(name=name, title=name, state=state))

    def paused_by_somebody(self) -> None:
        made, version = self.store.read(self.operation.id)
        self.store.write(made.with_state(State.PAUSED), version)


def test_a_sentence_between_two_steps_does_not_stop_the_engine() -> None:
    desk = Desk()
    desk.ledger.say("hello")
    assert desk.stored().said == "hello"
    desk.ledger.write(desk.step("one", StepState.RUNNING), desk.version)
    assert (desk.stored().said, desk.stored().step("one").state) == ("hello", StepState.RUNNING)


def test_sentences_are_written_now_and_then_and_the_last_one_always() -> None:
    desk = Desk()
    desk.ledger.say("1")
    for number in range(2, 10):
        desk.ledger.say(str(number))
    assert desk.stored().said == "1"
    assert desk.ledger.said == "9"
    desk.time.advance(SAY_SECONDS)
    desk.ledger.flush()
    version = desk.ledger.version
    assert desk.stored().said == "9"
    desk.time.advance(SAY_SECONDS)
    desk.ledger.flush()
    assert desk.ledger.version == version, "nothing new was said"


@pytest.mark.parametrize("said", [True, False])
def test_what_somebody_else_wrote_is_not_overwritten(said: bool) -> None:
    desk = Desk()
    desk.paused_by_somebody()
    with pytest.raises(Conflict):
        if said:
            desk.ledger.say("hello")
        else:
            desk.ledger.write(desk.step("one", StepState.DONE), desk.version)
    with pytest.raises(Conflict):
        desk.ledger.fail(desk.operation.id, GuardRefused("no"))
    assert desk.stored().state is State.PAUSED


def test_an_interrupted_worker_may_write_what_it_did_but_begin_nothing() -> None:
    desk = Desk()
    desk.operation = desk.step("one", StepState.RUNNING)
    desk.ledger.write(desk.operation, desk.version)
    desk.interrupt.set("the robot is paused")
    desk.operation = desk.step("one", StepState.DONE)
    desk.ledger.write(desk.operation, desk.version)
    with pytest.raises(Conflict, match="the robot is paused"):
        desk.ledger.write(desk.step("two", StepState.RUNNING), desk.version)
    assert desk.stored().step("one").state is StepState.DONE


@pytest.mark.parametrize("state", [State.PENDING, State.RUNNING, State.FAILED, State.ABORTING])
def test_a_failure_outside_of_the_steps_is_told(state: State) -> None:
    desk = Desk(state)
    desk.ledger.fail(desk.operation.id, GuardRefused("two servers are left.", cure="Wait."))
    found = desk.stored()
    assert found.state is State.FAILED
    assert found.said == "two servers are left. Wait."
    assert found.failures == 1
    assert all(step.state is StepState.PENDING for step in found.steps)


def test_steps_follow_this_version_of_bob() -> None:
    desk = Desk()
    done = desk.step("two", StepState.DONE)
    desk.ledger.write(done, desk.version)
    desk.ledger.expect([StepRecord(name=name, title=name) for name in ("two", "three")])
    found, _ = desk.ledger.read(desk.operation.id)
    assert [(s.name, s.state.value) for s in found.steps] == [("two", "done"), ("three", "pending")]
