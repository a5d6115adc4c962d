"""The engine on Consul: a leader is frozen in the middle, another finishes, the first wakes up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from session_memory import SessionInMemory
from sim_clock import SimClock

from bob.election import Elector
from bob.errors import BobError, LockLost
from bob.ops.consul_store import ConsulStore
from bob.ops.engine import Engine
from bob.ops.record import Operation, StepRecord, new_id
from bob.ops.states import State, StepState
from bob.ops.step import DONE, Probe, Step, needed
from bob.waiting import Clock, Deadline

NAMES = ("one", "two", "three")


@dataclass
class World:
    """Effects of steps; `meanwhile` happens once, when the step `freeze` is applied."""

    effects: list[str] = field(default_factory=list)
    freeze: str = ""
    after: bool = False
    meanwhile: Callable[[], None] = lambda: None

    def frozen(self, step: str, after: bool) -> None:
        if (step, after) == (self.freeze, self.after):
            self.freeze = ""
            self.meanwhile()


class Effect(Step[World]):
    def probe(self, context: World) -> Probe:
        return DONE if self.name in context.effects else needed("it is missing")

    def apply(self, context: World, deadline: Deadline) -> None:
        context.frozen(self.name, after=False)
        if self.name not in context.effects:  # what a second guard at the target does
            context.effects.append(self.name)
        context.frozen(self.name, after=True)


STEPS = [type(f"Do{name}", (Effect,), {"name": name, "title": f"do {name}"})() for name in NAMES]


class Silent:
    def started(self, step: StepRecord, reason: str) -> None: ...
    def retrying(self, step: StepRecord, error: BobError, delay: float) -> None: ...
    def finished(self, step: StepRecord, applied: bool) -> None: ...


class Site:
    def __init__(self) -> None:
        self.time = SimClock()
        self.clock = Clock(now=self.time.now, sleep=self.time.advance)
        self.state = ConsulState(self.time)

    def leader(self, node: str) -> tuple[Elector, Engine[World], ConsulStore]:
        consul = FakeConsul(self.state, node)
        elector = Elector(consul, node, SessionInMemory(), clock=self.clock)
        for _ in range(20):
            elector.step()
        store = ConsulStore(consul, elector, clock=self.clock)
        return elector, Engine(store, STEPS, Silent(), self.clock), store


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_frozen_leader_wakes_up_without_effect(name: str, after: bool) -> None:
    site, world = Site(), World(freeze=name, after=after)
    _, engine, store = site.leader("n1")
    records = tuple(StepRecord(name=step.name, title=step.title) for step in STEPS)
    made = Operation(id=new_id(), kind="t", target="n4", scopes=("node/n4",), steps=records)
    store.create(made)
    ended: list[tuple[Operation, int]] = []

    def take_over() -> None:
        site.state.end_sessions_of("n1")
        site.time.advance(2)
        elector, second, other = site.leader("n2")
        second.run(made.id, world)
        assert elector.leadership().epoch == 2
        ended.append(other.read(made.id))

    world.meanwhile = take_over
    with pytest.raises(LockLost):
        engine.run(made.id, world)
    assert world.effects == list(NAMES)
    assert [store.read(made.id)] == ended
    (done, _) = ended[0]
    assert (done.state, done.epoch) == (State.DONE, 2)
    assert all(step.state is StepState.DONE for step in done.steps)
    assert store.active("node/n4") is None
