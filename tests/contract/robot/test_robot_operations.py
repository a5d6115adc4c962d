"""A robot carries operations out, and lets people hold, resume, retry and take them back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from robots import Site

from bob.errors import Permanent
from bob.ops.record import new_id
from bob.ops.states import State, StepState
from bob.robot import ROBOT

DONE = ["n1/one", "n1/two", "n1/three"]


def test_an_operation_is_carried_out_and_announced(site: Site) -> None:
    agent = site.leader()
    made = site.submit()
    done = site.until_state(made, State.DONE)
    assert site.world.effects == DONE
    assert [step.state for step in done.steps] == [StepState.DONE] * 3
    assert done.epoch == agent.elector.leadership().epoch
    assert site.store.active("node/n1") is None
    site.until(lambda: site.events(), "the event")
    assert site.events() == [{"id": made, "kind": "build", "target": "n1", "state": "done"}]
    site.until(lambda: agent.robot.sentence().endswith(": nothing to do"), agent.robot.sentence())
    assert agent.robot.healthy()
    metrics = agent.robot.metrics()
    assert metrics["bob_robot_operations_done_total"] == 1
    assert metrics["bob_robot_operations_running"] == 0
    assert metrics["bob_robot_operations_started_total"] == 1


def test_what_waited_for_a_leader_is_begun_at_once(site: Site) -> None:
    made = [site.submit(f"n{number}") for number in range(1, 21)]
    site.leader()
    for each in made:
        site.until_state(each, State.DONE)
    assert len(site.world.effects) == len(site.world.begun) == 60


def test_the_sentence_and_the_record_say_what_is_waited_for(site: Site) -> None:
    agent = site.leader()
    site.world.held.add("n1/two")
    made = site.submit()
    site.until(lambda: "build n1: waiting for n1/two" in agent.robot.sentence())
    site.until(lambda: site.store.read(made)[0].said == "waiting for n1/two")
    site.world.held.clear()
    assert site.until_state(made, State.DONE).said == ""


def test_a_paused_operation_rests_until_it_is_resumed(site: Site) -> None:
    site.leader()
    site.world.held.add("n1/two")
    made = site.submit()
    site.until(lambda: "n1/two" in site.world.begun)
    site.change(made, State.PAUSED)
    other = site.submit("n2")
    site.until_state(other, State.DONE)
    site.world.held.clear()
    assert site.state(made) is State.PAUSED
    assert "n1/two" not in site.world.effects
    site.change(made, State.RUNNING)
    site.until_state(made, State.DONE)
    assert site.world.effects.count("n1/two") == 1


def test_an_aborted_operation_is_taken_back(site: Site) -> None:
    site.leader()
    site.world.held.add("n1/two")
    made = site.submit()
    site.until(lambda: "n1/two" in site.world.begun)
    site.change(made, State.ABORTING)
    site.until_state(made, State.ABORTED)
    assert site.world.undone == ["n1/two", "n1/one"]
    assert site.world.effects == []
    assert site.store.active("node/n1") is None


def test_a_failed_operation_waits_for_a_retry(site: Site) -> None:
    agent = site.leader()
    site.world.errors["n1/two"] = [Permanent("the disk is full")]
    made = site.submit()
    failed = site.until_state(made, State.FAILED)
    assert failed.step("two").error == "the disk is full"
    assert failed.failures == 1
    site.until(lambda: f"build n1 failed: bob op show {made}" in agent.robot.sentence())
    site.change(made, State.RUNNING)
    site.until_state(made, State.DONE)
    assert site.world.effects == DONE


def test_what_the_robot_wished_is_retried_and_then_taken_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bob.robot.decide.RETRY_SECONDS", 0.2)
    site.leader()
    site.world.errors["n1/two"] = [Permanent("the disk is full")] * 9
    made = site.submit(requested_by=ROBOT)
    ended = site.until_state(made, State.ABORTED)
    assert ended.failures == 3
    assert site.world.begun.count("n1/two") == 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "teleport"}, "no operation 'teleport' Upgrade."),
        ({"target": "n99"}, "n99 is no node Name one."),
        ({"target": "n7"}, "two servers are left"),
    ],
)
def test_what_cannot_be_done_fails_before_its_first_step(
    site: Site, fields: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bob.robot.judging.GUARD_SECONDS", 0.5)
    monkeypatch.setattr("bob.robot.judging.LOOK_SECONDS", 0.1)
    site.leader()
    site.world.guarded.add("n7")
    made = site.submit(**fields)
    failed = site.until_state(made, State.FAILED)
    assert failed.said.startswith(said)
    assert site.world.begun == []
    site.change(made, State.ABORTING)
    site.until_state(made, State.ABORTED)


def test_a_guard_that_refuses_for_a_moment_is_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bob.robot.judging.LOOK_SECONDS", 0.1)
    site.leader()
    site.world.guarded.add("n7")
    made = site.submit("n7")
    site.until(lambda: site.store.read(made)[0].said.startswith("waits: "), "it waits")
    assert site.world.begun == []
    site.world.guarded.clear()
    site.until_state(made, State.DONE)


def test_an_accepted_guard_is_passed(site: Site) -> None:
    site.leader()
    site.world.guarded.add("n7")
    made = site.submit("n7", accepted=("quorum-loss",))
    site.until_state(made, State.DONE)


def test_a_bug_in_a_step_fails_the_operation_and_nothing_else(site: Site) -> None:
    agent = site.leader()
    site.world.errors["n1/one"] = [ZeroDivisionError("oh")]
    made = site.submit()
    failed = site.until_state(made, State.FAILED)
    assert failed.said.startswith("BUG: ZeroDivisionError('oh')")
    site.until_state(site.submit("n2"), State.DONE)
    assert agent.robot.healthy()


def test_garbage_among_the_operations_stops_nobody(site: Site) -> None:
    site.leader()
    for name, value in {"x": "no json", new_id(): "{}", f"{new_id()}/a": "[]"}.items():
        site.consul.kv.put(f"bob/ops/{name}", value)
    site.until_state(site.submit(), State.DONE)


def test_a_record_of_another_version_of_bob_gets_the_steps_of_this_one(site: Site) -> None:
    site.leader()
    made = site.submit(steps=(site.store.read(site.submit("n9"))[0].steps[1],))
    done = site.until_state(made, State.DONE)
    assert [step.name for step in done.steps] == ["one", "two", "three"]
    assert [e for e in site.world.effects if e.startswith("n1/")] == DONE


def test_tasks_of_what_ended_are_deleted(site: Site) -> None:
    site.leader()
    site.world.held.add("n1/one")
    made = site.submit()
    mine, other = f"bob/tasks/n1/{made}.one", "bob/tasks/n1/of-somebody.one"
    for key in (mine, other):
        site.consul.kv.put(key, "{}")
    site.world.held.clear()
    site.until_state(made, State.DONE)
    site.until(lambda: mine not in site.consul.kv.keys("bob/tasks/"))
    assert other in site.consul.kv.keys("bob/tasks/")


def test_many_operations_need_few_looks(site: Site) -> None:
    agent = site.leader()
    made: list[str] = []

    def submit(first: int) -> None:
        made.extend(site.submit(f"n{number}") for number in range(first, 40, 4))

    threads = [threading.Thread(target=submit, args=(first,)) for first in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in made:
        site.until_state(each, State.DONE)
    assert len(site.world.begun) == len(site.world.effects) == 3 * 39
    assert agent.views <= 10
