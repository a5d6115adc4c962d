"""Who leads, what a new leader takes up, and that an old one has no effect; pauses."""

from __future__ import annotations

import contextlib
import datetime
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from robots import Agent, Site

from bob.errors import LockLost
from bob.ops.context import LeaderContext
from bob.ops.states import State
from bob.ops.view import ClusterView
from bob.robot.duty import Action, Do, Memory

DONE = ["n1/one", "n1/two", "n1/three"]


def end_session(site: Site, agent: Agent) -> None:
    """As when the host of the agent is found dead."""
    site.consul.session.destroy(agent.elector.leadership().session)


def wall(seconds: float) -> str:
    now = datetime.datetime.now(datetime.UTC)
    return (now + datetime.timedelta(seconds=seconds)).isoformat()


def test_another_leader_goes_on_in_the_middle_of_a_step(site: Site) -> None:
    first = site.leader("n1")
    second = site.agent("n2")
    site.until(lambda: second.robot.sentence() == "n1 leads")
    site.world.held.add("n1/two")
    made = site.submit()
    site.until(lambda: "n1/two" in site.world.begun)
    epoch = first.elector.leadership().epoch
    end_session(site, first)
    site.until(lambda: site.world.begun.count("n1/two") == 2, "somebody takes it up")
    site.world.held.clear()
    done = site.until_state(made, State.DONE)
    assert done.epoch > epoch
    assert site.world.effects == DONE


def test_a_killed_agent_goes_on_as_the_same_leader_when_it_is_started_again(site: Site) -> None:
    first = site.leader("n1")
    site.agent("n2")
    site.world.held.add("n1/two")
    made = site.submit()
    site.until(lambda: "n1/two" in site.world.begun)
    epoch = first.elector.leadership().epoch
    first.kill()
    began = time.monotonic()
    site.agent("n1", memory=first.memory)
    site.until(lambda: site.world.begun.count("n1/two") == 2)
    assert time.monotonic() - began < 2
    site.world.held.clear()
    assert site.until_state(made, State.DONE).epoch == epoch
    assert site.world.effects == DONE


def test_a_clean_end_hands_over_at_once(site: Site) -> None:
    first = site.leader("n1")
    second = site.agent("n2")
    site.world.held.add("n1/two")
    made = site.submit()
    site.until(lambda: "n1/two" in site.world.begun)
    first.stop()
    began = time.monotonic()
    site.until(lambda: site.world.begun.count("n1/two") == 2)
    assert time.monotonic() - began < 2
    assert second.leads
    site.world.held.clear()
    site.until_state(made, State.DONE)
    assert site.world.effects == DONE


def test_what_was_begun_in_a_term_has_no_effect_after_it(site: Site) -> None:
    agent = site.leader()
    seen: list[str] = []

    @dataclass
    class Late:
        name: str = "late"
        interval: float = 60.0

        def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
            return (Do("writes late", self.write),)

        def write(self, context: LeaderContext) -> None:
            end_session(site, agent)
            site.until(lambda: agent.elector.lock is None or not agent.leads)
            with pytest.raises(LockLost):
                context.records.put("bob/late", "x")
            for client in (context.consul, context.nomad):
                with pytest.raises(LockLost):
                    client.http.before_write()
            with pytest.raises(LockLost):
                context.clock.sleep(5)
            seen.append("refused")

    agent.stop()
    agent = site.leader("n2", duties=(Late(),))
    site.until(lambda: seen, "the duty wrote")
    assert site.consul.kv.get("bob/late") is None


def test_a_leader_that_leads_again_does_not_work_twice_on_one_operation(site: Site) -> None:
    """The first worker hangs in a call through the loss of its lead."""
    agent = site.leader()
    site.world.held.add("n1/two")
    hang = site.world.hang = set(site.world.held)
    made = site.submit()
    site.until(lambda: "n1/two" in site.world.begun)
    epoch = agent.elector.leadership().epoch
    end_session(site, agent)
    site.until(lambda: agent.robot.metrics()["bob_robot_epoch"] > epoch)
    site.until_state(site.submit("n2"), State.DONE)
    assert site.world.begun.count("n1/two") == 1
    hang.clear()
    site.until(lambda: site.world.begun.count("n1/two") == 2)
    site.world.held.clear()
    site.until_state(made, State.DONE)
    assert site.world.effects.count("n1/two") == 1


def test_every_operation_ends_once_while_leaders_come_and_go(site: Site) -> None:
    agents = [site.agent(f"n{number}") for number in (1, 2, 3)]
    made = [site.submit(f"n{number}") for number in range(1, 31)]
    slow = {f"n{number}/two" for number in range(1, 31, 3)}
    site.world.held |= slow
    epochs: set[float] = set()
    for _ in range(4):
        site.until(lambda: any(a.leads and a.robot._workers.free < 16 for a in agents))
        leader = next(a for a in agents if a.leads)
        epochs.add(leader.robot.metrics()["bob_robot_epoch"])
        with contextlib.suppress(LockLost):
            end_session(site, leader)
        site.until(lambda a=leader: not a.leads)
        site.world.held -= {slow.pop(), slow.pop()}
    site.world.held.clear()
    for each in made:
        site.until_state(each, State.DONE)
    assert len(epochs) == 4
    assert len(site.world.effects) == len(set(site.world.effects)) == 90
    assert site.consul.kv.keys("bob/ops/") == site.consul.kv.keys("bob/active/") == ()
    assert len({one["id"] for one in site.events()}) == len(site.events())


def test_a_paused_robot_begins_no_step_until_the_pause_is_over(site: Site) -> None:
    agent = site.leader()
    site.world.held.add("n1/two")
    made = site.submit()
    site.until(lambda: "n1/two" in site.world.begun)
    pause = {"who": "ann", "why": "switches", "until": wall(3)}
    site.consul.kv.put("bob/pause", json.dumps(pause))
    site.until(lambda: "paused by ann until" in agent.robot.sentence())
    site.until(lambda: agent.robot._workers.free == 16)
    site.world.held.clear()
    waiting = site.submit("n2")
    assert site.state(made) is State.RUNNING
    assert site.state(waiting) is State.PENDING
    assert site.world.effects == ["n1/one"]
    for each in (made, waiting):
        site.until_state(each, State.DONE)
    assert site.consul.kv.get("bob/pause") is None


def test_a_pause_ends_when_it_is_removed(site: Site) -> None:
    agent = site.leader()
    site.consul.kv.put("bob/pause", "somebody wrote this by hand")
    site.until(lambda: "paused by somebody" in agent.robot.sentence())
    made = site.submit()
    site.consul.kv.delete("bob/pause")
    site.until_state(made, State.DONE)


def test_leftovers_of_a_dead_leader_are_cleared(site: Site) -> None:
    made = site.submit("n3")
    site.change(made, State.PAUSED)
    kept = [f"bob/tasks/n3/{made}.x", "bob/tasks/n3/not-of-an-operation"]
    gone = ["bob/tasks/n3/01ARZ3NDEKTSV4RRFFQ69G5FAV.x"]
    for key in kept + gone:
        site.consul.kv.put(key, "{}")
    site.leader()
    site.until(lambda: sorted(site.consul.kv.keys("bob/tasks/")) == sorted(kept))
