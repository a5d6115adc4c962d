"""Every verb that wishes an operation: what it refuses, asks, records, shows, and how it ends."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from operator_world import World, view
from rich.console import Console

from bob import console
from bob.commands import _watch
from bob.commands._wish import wish
from bob.console import Format
from bob.errors import (
    BobError,
    DeadlinePassed,
    GuardRefused,
    Permanent,
    ScopeHeld,
    Unfinished,
    UsageError,
)
from bob.ops.kind import Request
from bob.ops.states import State
from bob.ops.submit import submit


def move(target: str = "n1", **options: Any) -> None:
    wish("move", target, **{"yes": True, **options})


def test_a_wish_is_recorded_and_watched_to_its_end(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.lead()
    world.works()
    move()
    assert world.latest().state is State.DONE
    said = capsys.readouterr()
    assert said.out.startswith("move n1: done")
    for word in ("1. Pack the boxes", "it takes a while", "cannot be aborted", "==> Drive away"):
        assert word in said.err


def test_the_document_holds_the_operation(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.lead()
    world.works()
    move(output=Format.JSON)
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "bob/operation/1"
    assert (document["cluster"], document["attached"]) == ("c1", False)
    assert document["operation"]["state"] == "done"
    assert [step["state"] for step in document["operation"]["steps"]] == ["done", "done"]


def test_what_is_so_already_is_not_recorded(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    move("n2")
    assert capsys.readouterr().out == "n2 is there already; nothing to do.\n"
    assert world.store.list() == []


def test_what_is_about_to_change_is_not_called_done(world: World) -> None:
    submit(world.store, Request("move", "n2", {"to": "r2"}), view())
    with pytest.raises(ScopeHeld, match="held by move n2"):
        move("n2")


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [("n9", UsageError, "no node n9"), ("n3", GuardRefused, "two servers would be left")],
)
def test_a_refused_wish_is_not_recorded(
    world: World, target: str, error: type[BobError], words: str
) -> None:
    with pytest.raises(error, match=words):
        move(target)
    assert world.store.list() == []


def test_a_named_guard_is_passed_and_shown(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.lead()
    world.works()
    move("n3", accept=["quorum-loss"])
    assert world.latest().accepted == ("quorum-loss",)
    assert "accepted quorum-loss" in capsys.readouterr().err


def test_without_a_terminal_the_question_demands_yes(world: World) -> None:
    with pytest.raises(UsageError, match=r"Move it\? There is no terminal"):
        move(yes=False, question="Move it?")
    assert world.store.list() == []


def test_detached_it_is_recorded_and_unfinished(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unfinished) as left:
        move(detach=True)
    made = world.latest()
    assert made.state is State.PENDING
    assert left.value.cure == f"Look on with: bob op watch {made.id}"
    assert "move n1: pending" in capsys.readouterr().out


def test_the_same_wish_joins_the_one_under_way(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unfinished):
        move(detach=True)
    world.lead()
    world.works()
    capsys.readouterr()
    move(yes=False, output=Format.JSON)  # nothing is asked: nothing is recorded
    assert json.loads(capsys.readouterr().out)["attached"] is True
    assert len(world.store.list()) == 1


def test_another_wish_for_the_same_node_learns_who_is_in_the_way(world: World) -> None:
    with pytest.raises(Unfinished):
        move(detach=True)
    with pytest.raises(ScopeHeld, match=r"node/n1 is held by move n1 \(pending") as held:
        move(params={"to": "r2"}, yes=False)
    assert f"bob op watch {world.latest().id}" in held.value.cure


def test_a_failure_says_where_and_the_ways_on(world: World) -> None:
    world.lead()
    world.works(State.FAILED)
    with pytest.raises(Permanent, match="failed at “Drive away”: the road is closed") as failed:
        move()
    assert "bob op retry" in failed.value.cure
    assert "abort" not in failed.value.cure  # the point of no return is behind


def test_an_aborted_operation_is_no_success(world: World) -> None:
    world.lead()
    world.robot += [world.change(State.ABORTING), world.change(State.ABORTED)]
    with pytest.raises(BobError, match="move n1 was aborted"):
        move()


def test_ctrl_c_leaves_it_to_the_robot(world: World) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    world.robot.append(interrupt)
    with pytest.raises(Unfinished, match="the robot goes on"):
        move()
    assert world.latest().state is State.PENDING


def test_nobody_leads_is_said(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_watch, "WATCH_SECONDS", 0.0)
    with pytest.raises(DeadlinePassed, match="move n1 is not finished"):
        move()
    assert "no agent leads at the moment" in capsys.readouterr().err


def test_on_a_terminal_each_step_has_its_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = io.StringIO()
    terminal = Console(file=drawn, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(console, "err", terminal)
    world.lead()
    world.works()
    move()
    last = drawn.getvalue().rpartition("move n1: done")[2]
    assert "✓ Pack the boxes" in last
    assert "✓ Drive away" in last
