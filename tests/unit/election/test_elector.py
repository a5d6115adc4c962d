"""One or two electors over the fake of Consul: start, restart, loss, resignation."""

from __future__ import annotations

import json

import pytest
from fake_consul import FakeConsul, Fault, Line
from fake_consul_state import ConsulState
from session_memory import SessionInMemory
from sim_clock import SimClock

from bob.election import LEADER_KEY, Elector, Timing
from bob.errors import LockLost
from bob.waiting import Clock

TIMING = Timing()


class Site:
    """A datacenter, and agents that want to lead."""

    def __init__(self) -> None:
        self.time = SimClock()
        self.clock = Clock(now=self.time.now, sleep=self.time.advance)
        self.state = ConsulState(self.time)

    def agent(self, node: str, memory: SessionInMemory | None = None) -> tuple[Elector, FakeConsul]:
        consul = FakeConsul(self.state, node, Line(self.state))
        elector = Elector(consul, node, memory or SessionInMemory(), TIMING, self.clock)
        return elector, consul


@pytest.fixture
def site() -> Site:
    return Site()


def leads(elector: Elector) -> bool:
    try:
        elector.leadership()
    except LockLost:
        return False
    return True


def run_until_leading(elector: Elector, steps: int = 60) -> int:
    for _ in range(steps):
        if leads(elector):
            return elector.leadership().epoch
        elector.step()
    raise AssertionError(f"does not lead after {steps} steps")


def holder(site: Site) -> str:
    return str(json.loads(site.state.entries[LEADER_KEY].value)["node"])


def test_the_first_agent_leads_at_once_and_says_who_it_is(site: Site) -> None:
    elector, _ = site.agent("n1")
    assert not leads(elector)
    assert run_until_leading(elector) == 1
    assert site.time.now() == 0
    assert holder(site) == "n1"
    (session,) = site.state.sessions.values()
    assert session.info.checks == ("serfHealth",)
    assert (session.info.ttl, session.info.lock_delay) == (TIMING.ttl, TIMING.lock_delay)


def test_a_leader_goes_on_for_hours(site: Site) -> None:
    elector, consul = site.agent("n1")
    run_until_leading(elector)
    while site.time.now() < 7200:
        elector.step()
        assert elector.leadership().epoch == 1
        assert elector.commit(consul.txn().set("x", str(site.time.now()))).ok


def test_a_follower_costs_one_blocking_read(site: Site) -> None:
    site.state.expiry = 1000  # the leader's session stays although it is not renewed here
    leader, _ = site.agent("n1")
    run_until_leading(leader)
    follower, _ = site.agent("n2")
    steps = 0
    while site.time.now() < 1000:
        follower.step()  # one call each
        steps += 1
    assert steps <= 1000 / 25 + 2
    assert len(site.state.sessions) == 1


def test_a_restarted_agent_goes_on_as_the_same_leader(site: Site) -> None:
    memory = SessionInMemory()
    before, _ = site.agent("n1", memory)
    run_until_leading(before)
    held = site.state.entries[LEADER_KEY]
    after, _ = site.agent("n1", memory)
    assert run_until_leading(after) == 1
    after.step()
    now = site.state.entries[LEADER_KEY]
    assert (now.session, now.lock_index) == (held.session, 1)
    assert json.loads(now.value)["instance"] != json.loads(held.value)["instance"]
    assert site.time.now() == 0


def test_an_agent_restarted_too_late_begins_anew(site: Site) -> None:
    memory = SessionInMemory()
    before, _ = site.agent("n1", memory)
    run_until_leading(before)
    site.time.advance(2 * TIMING.ttl)
    after, _ = site.agent("n1", memory)
    assert run_until_leading(after) == 2


def test_a_dead_host_is_replaced_after_the_lock_delay(site: Site) -> None:
    first, consul = site.agent("n1")
    run_until_leading(first)
    second, _ = site.agent("n2")
    second.step()
    site.state.end_sessions_of("n1")
    died = site.time.now()
    assert run_until_leading(second) == 2
    assert TIMING.lock_delay <= site.time.now() - died <= TIMING.lock_delay + 0.5
    assert leads(first)  # it cannot know
    with pytest.raises(LockLost, match="epoch 1 is over, nothing was written"):
        first.commit(consul.txn().set("x", "1"))
    assert "x" not in site.state.entries
    assert not leads(first)
    with pytest.raises(LockLost, match="does not lead"):
        first.commit(consul.txn().set("x", "1"))


def test_a_refused_write_that_is_no_loss_of_the_lock_is_the_callers_matter(site: Site) -> None:
    elector, consul = site.agent("n1")
    run_until_leading(elector)
    site.state.put("x", b"1")
    result = elector.commit(consul.txn().check_absent("x"))
    assert (result.ok, result.failed) == (False, (0,))
    assert leads(elector)


def test_a_leader_without_answers_stops_before_its_session_ends(site: Site) -> None:
    elector, consul = site.agent("n1")
    run_until_leading(elector)
    site.state.expiry = 1.0  # the shortest life that Consul promises
    elector.step()
    consul.line.faults = [Fault.UNREACHABLE] * 1000
    while leads(elector):
        elector.step()
    assert site.state.entries[LEADER_KEY].session
    with pytest.raises(LockLost):
        elector.commit(consul.txn().set("x", "1"))
    consul.line.faults = []
    if site.time.now() < TIMING.ttl:  # its session is still there: the same leader goes on
        assert run_until_leading(elector) == 1


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("place", range(5))
def test_one_fault_at_any_call_delays_but_does_not_prevent(
    site: Site, fault: Fault, place: int
) -> None:
    elector, consul = site.agent("n1")
    calls = [0]

    def fault_at() -> Fault | None:
        calls[0] += 1
        return fault if calls[0] == place + 1 else None

    consul.line.fault = fault_at  # type: ignore[method-assign]
    assert run_until_leading(elector) == 1
    site.time.advance(consul.line.late)
    elector.step()
    assert elector.commit(consul.txn().set("x", "1")).ok


def test_who_resigns_is_followed_without_delay(site: Site) -> None:
    memory = SessionInMemory()
    first, _ = site.agent("n1", memory)
    run_until_leading(first)
    first.resign()
    assert not leads(first)
    assert memory.load() == ""
    assert site.state.sessions == {}
    second, _ = site.agent("n2")
    assert run_until_leading(second) == 2
    assert site.time.now() == 0


def test_resigning_needs_no_answer(site: Site) -> None:
    elector, consul = site.agent("n1")
    run_until_leading(elector)
    consul.line.faults = [Fault.UNREACHABLE]
    elector.resign()
    assert not leads(elector)
