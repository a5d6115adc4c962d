"""Looking on: every change is seen, whatever happens to Consul or to the robot's leader."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from fake_consul import Fault
from operator_world import World, view

from bob.clients.consul import KvEntry
from bob.clients.consul.kv import Indexed
from bob.clients.http import Unreachable
from bob.errors import DeadlinePassed, UsageError
from bob.ops.kind import Request
from bob.ops.states import State, StepState
from bob.ops.submit import submit
from bob.ops.watch import Sight, follow
from bob.ops.watch_text import lines, note
from bob.pause import Pause
from bob.waiting import Clock, Deadline


def wished(world: World) -> str:
    return submit(world.store, Request("move", "n1"), view()).operation.id


def watching(world: World, seconds: float = 60.0) -> Deadline:
    clock = world.state.clock
    return Deadline(seconds, Clock(clock.now, clock.advance))


def test_each_change_is_seen_to_the_end(world: World) -> None:
    made = wished(world)
    world.lead("n2")
    world.works()
    seen = list(follow(world.consul, made, watching(world)))
    assert [s.operation.state for s in seen] == ["pending", "running", "running", "done"]
    assert {s.leader for s in seen[:-1]} == {"n2"}
    assert seen[-1].over


def test_a_finished_operation_is_one_look(world: World) -> None:
    made = wished(world)
    world.change(State.DONE)()
    assert [s.operation.state for s in follow(world.consul, made, watching(world))] == ["done"]


def test_consul_without_answers_is_waited_out(world: World) -> None:
    made = wished(world)
    world.lead()
    world.works()
    watcher = follow(world.consul, made, watching(world))
    first = next(watcher)
    world.line.faults += [Fault.UNREACHABLE, Fault.REQUEST_LOST]
    trouble = next(watcher)
    assert trouble.operation == first.operation
    assert "connection refused" in note(trouble, 0.0)
    assert [s.operation.state for s in watcher if not s.trouble][-1] is State.DONE


def test_consul_that_never_answers_is_told(world: World) -> None:
    made = wished(world)
    world.line.faults += [Fault.UNREACHABLE] * 1000
    with pytest.raises(Unreachable):
        list(follow(world.consul, made, watching(world)))


def test_an_unknown_operation_is_told(world: World) -> None:
    with pytest.raises(UsageError, match="no operation 01ABC"):
        list(follow(world.consul, "01ABC", watching(world)))


def test_a_new_leader_of_consul_that_is_behind_is_not_believed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = wished(world)
    world.works()
    ask = world.consul.kv.read

    def behind(key: str, *, consistent: bool = False, **how: Any) -> Indexed[KvEntry | None]:
        return ask(key, **how) if consistent else Indexed(None, 1)

    with monkeypatch.context() as patch:
        patch.setattr(world.consul.kv, "read", behind)
        watcher = follow(world.consul, made, watching(world))
        assert next(watcher).operation.id == made
        assert world.store.read(made)[0].id == made
    assert [s.operation.state for s in watcher][-1] is State.DONE


def test_the_wait_ends(world: World) -> None:
    made = wished(world)
    with pytest.raises(DeadlinePassed, match="move n1 is not finished after 5 s"):
        list(follow(world.consul, made, watching(world, 5.0)))


def test_the_loss_and_the_pause_of_the_robot_are_seen(world: World) -> None:
    made = wished(world)
    world.lead("n2")
    pause = Pause(who="ann@desk", why="new switches").model_dump_json()
    still = [lambda: None] * 60  # longer than a look
    world.robot += [
        lambda: world.state.put("bob/pause", pause.encode()),
        *still,
        lambda: world.state.end_session(world.state.entries["bob/leader"].session),
        *still,
        world.change(State.DONE),
    ]
    notes = [note(s, 0.0) for s in follow(world.consul, made, watching(world))]
    assert any("paused by ann@desk: new switches" in said for said in notes)
    assert any("no agent leads at the moment" in said for said in notes)


def test_lines_tell_what_changed_and_nothing_twice(world: World) -> None:
    made = wished(world)
    world.lead()
    world.works()
    told: list[list[str]] = []
    before: Sight | None = None
    for sight in follow(world.consul, made, watching(world)):
        told.append(lines(before, sight, 0.0))
        before = sight
    assert told == [
        ["pending"],
        ["==> Pack the boxes"],
        ["    done", "==> Drive away"],
        ["    done", "done"],
    ]


def test_lines_of_a_failure_and_of_taking_back(world: World) -> None:
    made = wished(world)
    world.lead()
    world.robot += [
        world.change(State.RUNNING, pack=StepState.RUNNING),
        world.change(State.ABORTING, pack=StepState.FAILED),
        world.change(State.ABORTED, pack=StepState.UNDONE),
    ]
    sights = list(follow(world.consul, made, watching(world)))
    told = [lines(one, two, 0.0) for one, two in pairwise(sights)]
    assert told[1:] == [
        ["    failed: Pack the boxes: the road is closed", "aborting"],
        ["    taken back: Pack the boxes", "aborted"],
    ]


def test_lines_of_a_further_attempt_say_why(world: World) -> None:
    made = wished(world)
    record = world.store.read(made)[0]
    first = record.step("pack").model_copy(update={"state": StepState.RUNNING, "attempts": 1})
    again = first.model_copy(update={"attempts": 2, "error": "the boxes are wet"})
    sights = [Sight(record.with_step(step), leader="n1") for step in (first, again)]
    assert lines(*sights, 0.0) == [
        "    the last attempt: the boxes are wet",
        "==> Pack the boxes (attempt 2)",
    ]
