"""`bob op …`: ids as people give them, what an order does to a record, and every refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from operator_world import Move, World, view

from bob.__main__ import run
from bob.ops.kind import Request
from bob.ops.record import Operation
from bob.ops.states import State, StepState
from bob.ops.submit import submit


def wished(world: World, target: str = "n1", state: State = State.PENDING) -> Operation:
    """A recorded wish, left in this state."""
    submit(world.store, Request("move", target), view(), "ann@desk")
    if state is not State.PENDING:
        world.change(state)()
    return world.latest()


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_ls_shows_the_unfinished_and_the_latest(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = wished(world)
    old = [wished(world, "n2", State.DONE).id for _ in range(3)]
    assert run(["op", "ls", "--limit", "2", "-o", "json"]) == 0
    found = document(capsys)
    assert found["schema"] == "bob/operations/1"
    assert [o["id"] for o in found["operations"]] == [old[2], old[1], waiting.id]
    assert found["left_out"] == 1
    first = found["operations"][2]
    for key, value in {"kind": "move", "target": "n1", "state": "pending", "epoch": 0}.items():
        assert first[key] == value
    assert {key: first["steps"][0][key] for key in ("name", "state", "attempts")} == {
        "name": "pack", "state": "pending", "attempts": 0,
    }  # fmt: skip


def test_ls_as_text(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["op", "ls"]) == 0
    assert "No operations yet." in capsys.readouterr().out
    made = wished(world)
    assert run(["op", "ls"]) == 0
    said = capsys.readouterr().out
    for word in (made.id, "move", "pending", "0/2", "Pack the boxes"):
        assert word in said


def test_show_tells_everything_recorded(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made = wished(world)
    world.change(State.FAILED, pack=StepState.FAILED)()
    for word in ("last", made.id, made.id[:15], made.id[-8:], made.id.lower()):
        assert run(["op", "show", word]) == 0
        said = capsys.readouterr().out
    for word in (made.id, "failed", "ann@desk", "node/n1", "Pack the boxes", "the road is closed"):
        assert word in said


@pytest.mark.parametrize("verb", ["show", "watch", "pause", "resume", "retry", "abort"])
@pytest.mark.parametrize("known", [True, False])
def test_an_unknown_operation_is_wrong_usage(
    world: World, verb: str, known: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if known:
        wished(world)
    assert run(["op", verb, "01XXXX"]) == 2
    assert "there is no operation 01XXXX" in capsys.readouterr().err


def test_a_word_that_fits_several_is_wrong_usage(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    wished(world, "n1"), wished(world, "n2")
    assert run(["op", "show", "0"]) == 2
    assert "may mean 2 operations" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        (["pause"], State.PENDING, State.PAUSED),
        (["pause"], State.RUNNING, State.PAUSED),
        (["pause"], State.PAUSED, State.PAUSED),
        (["resume"], State.PAUSED, State.RUNNING),
        (["resume"], State.RUNNING, State.RUNNING),
    ],
)
def test_an_order_changes_the_state(
    world: World, words: list[str], before: State, after: State, capsys: pytest.CaptureFixture[str]
) -> None:
    wished(world, state=before)
    assert run(["op", *words, "-o", "json"]) == 0
    assert world.latest().state is after
    found = document(capsys)
    assert (found["operation"]["state"], found["changed"]) == (after.value, before is not after)


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        ("pause", State.DONE),
        ("pause", State.FAILED),
        ("pause", State.ABORTING),
        ("resume", State.DONE),
        ("resume", State.FAILED),
        ("retry", State.DONE),
        ("retry", State.PAUSED),
        ("abort", State.DONE),
    ],
)
def test_an_order_that_makes_no_sense_changes_nothing(
    world: World, verb: str, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    wished(world, state=state)
    assert run(["op", verb]) == 2
    assert world.latest().state is state
    assert f"is {state}, so there is nothing to {verb}" in capsys.readouterr().err


def test_a_failed_operation_is_tried_again_and_watched(world: World) -> None:
    wished(world, state=State.FAILED)
    world.lead()
    world.works()
    assert run(["op", "retry"]) == 0
    assert world.latest().state is State.DONE


@pytest.mark.parametrize("before", [State.PENDING, State.RUNNING, State.PAUSED, State.FAILED])
def test_an_operation_is_taken_back_and_watched(
    world: World, before: State, capsys: pytest.CaptureFixture[str]
) -> None:
    wished(world, state=before)
    world.lead()
    world.robot.append(world.change(State.ABORTED))
    assert run(["op", "abort", "--yes"]) == 0
    assert "move n1: aborted" in capsys.readouterr().out


def test_taking_back_asks_first(world: World) -> None:
    wished(world)
    assert run(["op", "abort"]) == 2  # no terminal
    assert world.latest().state is State.PENDING


def test_after_the_point_of_no_return_nothing_is_taken_back(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    wished(world)
    world.change(State.FAILED, pack=StepState.DONE, drive=StepState.FAILED)()
    assert run(["op", "abort", "--yes"]) == 6
    assert world.latest().state is State.FAILED
    said = capsys.readouterr().err
    assert "past the point of no return (“Drive away” has begun)" in said
    assert "bob op retry" in said


def test_an_order_survives_a_write_of_the_leader(world: World) -> None:
    """The record changes between reading it and writing it."""
    from bob.ops import orders

    wished(world, state=State.RUNNING)
    store, late = world.store, [world.change(State.RUNNING, pack=StepState.RUNNING)]

    class Busy:
        def read(self, operation_id: str) -> tuple[Operation, int]:
            found = store.read(operation_id)
            if late:
                late.pop()()
            return found

        write = staticmethod(store.write)

    operation, changed = orders.give(Busy(), world.latest().id, orders.Order.PAUSE)  # type: ignore[arg-type]
    assert changed
    assert operation.step("pack").state is StepState.RUNNING  # the leader's write is kept
    assert world.latest().state is State.PAUSED


@pytest.mark.parametrize(("state", "code"), [(State.DONE, 0), (State.FAILED, 1)])
def test_watch_ends_like_the_operation(world: World, state: State, code: int) -> None:
    wished(world)
    world.lead()
    world.works(state)
    assert run(["op", "watch", "last"]) == code


def test_watch_may_end_earlier(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made = wished(world)
    assert run(["op", "watch", "--timeout", "0"]) == 7
    assert f"bob op watch {made.id}" in capsys.readouterr().err


def test_steps_of_the_test_kind_are_those_of_the_record(world: World) -> None:
    names = [step.name for step in Move().steps(Request("move", "n1"))]
    assert [step.name for step in wished(world).steps] == names
