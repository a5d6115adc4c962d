"""Several electors under random pauses, partitions, lost and late answers, deaths and clocks.

A schedule is a seed. Agents take turns in simulated time; an agent may be frozen before any request
and after any answer while the others go on. Each clock runs at its own rate. After the chaos comes
quiet. A failure names its seed; `check(SEED)` replays it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest
from fake_consul import FakeConsul, FakeTxn, Fault, Line
from fake_consul_state import ConsulState
from session_memory import SessionInMemory
from sim_clock import SimClock

from bob.clients.consul import TxnOperation, TxnResult
from bob.clients.http import Unreachable
from bob.election import LEADER_KEY, Elector, Timing
from bob.errors import LockLost
from bob.waiting import Clock

T = TypeVar("T")
SCHEDULES = 2_000
BATCH = 250
CHAOS_SECONDS = 40.0
QUIET_SECONDS = 2 * 10.0 + 1.0 + 5.0  # a session's longest life, the lock delay, and reactions
GOSSIP_SECONDS = 3.0  # after which a host that cannot be reached is called failed
CLOCK_START = 1000.0
WORK = "work"
TIMING = Timing()


class Broken(AssertionError):
    """An invariant does not hold."""


class WatchedState(ConsulState):
    """Judges each write of a leader at the moment when it takes effect."""

    def __init__(self, clock: SimClock, expiry: float) -> None:
        super().__init__(clock, expiry)
        self.killed: set[str] = set()
        self.writers: dict[int, str] = {}
        self.epoch = 0

    def end_sessions_of(self, node: str) -> None:
        self.killed |= {s for s, held in self.sessions.items() if held.info.node == node}
        super().end_sessions_of(node)

    def commit(self, operations: Sequence[TxnOperation]) -> TxnResult:
        result = super().commit(operations)
        if result.ok:
            self._judge(json.loads(next(o.value or b"" for o in operations if o.key == WORK)))
        return result

    def _judge(self, work: dict[str, object]) -> None:
        lock = self.entries[LEADER_KEY]
        epoch, agent = int(str(work["epoch"])), str(work["agent"])
        if (lock.session, lock.lock_index) != (work["session"], epoch):
            raise Broken(f"{work} took effect while the lock was {lock}")
        if self.writers.setdefault(epoch, agent) != agent:
            raise Broken(f"{agent} and {self.writers[epoch]} wrote in epoch {epoch}")
        if epoch < self.epoch:
            raise Broken(f"epoch {epoch} wrote after epoch {self.epoch}")
        self.epoch = epoch


class SimLine(Line):
    def __init__(self, sim: Simulation, agent: Agent) -> None:
        super().__init__(sim.state)
        self._sim = sim
        self._agent = agent

    def fault(self) -> Fault | None:
        sim = self._sim
        self.late = sim.random.uniform(0, 15)
        self._freeze()
        if sim.clock.now() < self._agent.cut_until:
            return sim.random.choice((Fault.UNREACHABLE, Fault.REQUEST_LOST))
        return sim.random.choice(list(Fault)) if sim.maybe(sim.fault_rate) else None

    def answered(self) -> None:
        self._freeze()

    def block(self, seconds: float) -> bool:
        woken_early = min(seconds, self._sim.random.uniform(0.3, 6.0))
        self._agent.idle = self._sim.random.choice((min(seconds, 6.0), woken_early))
        return False

    def call(self, action: Callable[[], T]) -> T:
        try:
            return super().call(action)
        except Unreachable as error:
            if error.sent:
                self._sim.away(TIMING.timeout)
            raise

    def _freeze(self) -> None:
        if self._sim.maybe(self._sim.pause_rate):
            self._sim.away(self._sim.random.choice((0.2, 3.0, 12.0, 30.0)))


class Agent:
    """A host with an elector on it, whose process may be replaced."""

    def __init__(self, sim: Simulation, node: str) -> None:
        self.node = node
        self.memory = SessionInMemory()
        self.busy = False
        self.cut_until = 0.0
        self.idle = 0.0
        self.next = sim.random.uniform(0, 1)
        self._sim = sim
        self._rate = sim.random.uniform(0.96, 1.04)
        self._judged_until = 0.0
        self.start()

    def start(self) -> None:
        self.consul = FakeConsul(self._sim.state, self.node, SimLine(self._sim, self))
        clock = Clock(
            now=lambda: self._sim.clock.now() * self._rate + CLOCK_START, sleep=self._sleep
        )
        self.elector = Elector(self.consul, self.node, self.memory, TIMING, clock)

    def turn(self) -> None:
        self.busy, self.idle = True, self._sim.random.uniform(0.001, 0.05)
        if self._sim.maybe(self._sim.accident_rate):
            self._sim.accident(self)
        self.elector.step()
        self.work()
        self.busy = False
        self.next = self._sim.clock.now() + self.idle

    def work(self) -> bool:
        """Act as a leader does, inside and outside of Consul. False when it does not lead."""
        try:
            held = self.elector.leadership()
            self._judge_belief()
            self._judge_at_the_last_moment(held.valid_until)
            work = {"agent": self.node, "epoch": held.epoch, "session": held.session}
            self.elector.commit(self.consul.txn().set(WORK, json.dumps(work)))
        except LockLost:
            return False
        except Unreachable:
            pass
        return True

    def _judge_at_the_last_moment(self, valid_until: float) -> None:
        if valid_until > self._judged_until:
            self._judged_until = valid_until
            left = (valid_until - CLOCK_START) / self._rate - self._sim.clock.now()
            self._sim.clock.later(left - 0.001, self._judge_belief)

    def _judge_belief(self) -> None:
        """Who believes to lead has the lock, unless gossip took it early."""
        try:
            held = self.elector.leadership()
        except LockLost:
            return
        state = self._sim.state
        state.expire()
        holder = state.entries[LEADER_KEY].session
        if held.session != holder and held.session not in state.killed:
            raise Broken(f"{self.node} acts in epoch {held.epoch}, the lock is held by {holder!r}")

    def _sleep(self, seconds: float) -> None:
        self.idle = seconds


class Simulation:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = SimClock()
        self.state = WatchedState(self.clock, self.random.choice((1.0, 1.3, 2.0)))
        self.fault_rate = self.random.choice((0.0, 0.03, 0.2))
        self.pause_rate = self.random.choice((0.0, 0.01, 0.05))
        self.accident_rate = self.random.choice((0.0, 0.01, 0.04))
        self.agents = [Agent(self, f"n{number}") for number in range(self.random.randint(2, 4))]

    def maybe(self, chance: float) -> bool:
        return chance > 0 and self.random.random() < chance

    def run(self, until: float) -> None:
        while True:
            free = [agent for agent in self.agents if not agent.busy and agent.next <= until]
            if not free:
                self.clock.advance(max(0.0, until - self.clock.now()))
                return
            agent = min(free, key=lambda each: each.next)
            self.clock.advance(max(0.0, agent.next - self.clock.now()))
            agent.turn()

    def away(self, seconds: float) -> None:
        """Time passes for all but the agent whose turn it is, which is frozen or waits."""
        self.run(self.clock.now() + seconds)

    def accident(self, agent: Agent) -> None:
        match self.random.choice(("cut", "gossip", "restart", "reboot", "election")):
            case "cut":
                seconds = self.random.uniform(1, 25)
                agent.cut_until = self.clock.now() + seconds
                if seconds > GOSSIP_SECONDS and self.maybe(0.5):
                    node = agent.node
                    self.clock.later(GOSSIP_SECONDS, lambda: self.state.end_sessions_of(node))
            case "gossip":
                self.state.end_sessions_of(agent.node)
            case "restart":
                agent.start()
            case "reboot":
                agent.memory.save("")
                agent.start()
            case "election":  # the new leader of Consul starts every session's time anew
                for held in self.state.sessions.values():
                    held.expires = self.clock.now() + held.info.ttl * self.state.expiry

    def calm_down(self) -> None:
        self.fault_rate = self.pause_rate = self.accident_rate = 0.0
        for agent in self.agents:
            agent.cut_until = 0.0


def check(seed: int) -> int:
    """Run one schedule; returns the last epoch in which a write took effect."""
    sim = Simulation(seed)
    try:
        sim.run(CHAOS_SECONDS)
        sim.calm_down()
        sim.run(sim.clock.now() + QUIET_SECONDS)
        leaders = [agent.node for agent in sim.agents if agent.work()]
        if len(leaders) != 1:
            raise Broken(f"after the quiet time {leaders} lead")
    except Broken as error:
        raise Broken(f"seed {seed}: {error}") from error
    return sim.state.epoch


@pytest.mark.parametrize("first", range(0, SCHEDULES, BATCH))
def test_one_leader_has_effect_whatever_happens(first: int) -> None:
    epochs = [check(seed) for seed in range(first, first + BATCH)]
    assert max(epochs) >= 4, "the schedules are too calm to show anything"


def test_the_simulation_finds_writes_without_a_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeTxn, "check_session", lambda txn, key, session: txn)
    with pytest.raises(Broken, match="took effect while the lock was"):
        find_broken()


def test_the_simulation_finds_a_validity_without_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Timing, "validity", property(lambda timing: timing.ttl))
    with pytest.raises(Broken, match="acts in epoch"):
        find_broken()


def test_the_simulation_finds_a_validity_counted_from_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Elector.step

    def step(elector: Elector) -> None:
        before = elector._view.renewed
        original(elector)
        if elector._view.renewed > before:
            elector._view = replace(elector._view, renewed=elector._clock.now())

    monkeypatch.setattr(Elector, "step", step)
    with pytest.raises(Broken, match="acts in epoch"):
        find_broken()


def find_broken() -> None:
    for seed in range(SCHEDULES):
        check(seed)
