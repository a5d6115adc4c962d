"""The robot's sentence: trouble, then a pause, then work, then what waits for people."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bob.ops.record import Operation
from bob.ops.states import State
from bob.pause import Pause
from bob.robot.board import SENTENCE, Board, Figures
from bob.robot.decide import Seen


def operation(name: str, state: State = State.RUNNING) -> Operation:
    return Operation(id=name, kind="add-node", target=f"n{name}", scopes=(), state=state)


def seen(*states: State) -> list[Seen]:
    return [Seen(operation(str(number), state), 1) for number, state in enumerate(states)]


WORK = [(operation("0"), "waiting for n0 to become voter, 12 s of 60 s")]
SAYS = "add-node n0: waiting for n0 to become voter, 12 s of 60 s"
P, R, F, Z = State.PENDING, State.RUNNING, State.FAILED, State.PAUSED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "nothing to do"),
        ({"working": WORK, "records": seen(R)}, SAYS),
        ({"working": WORK, "records": seen(R, P)}, f"{SAYS}; 1 more operation"),
        ({"working": [*WORK, (operation("1"), "")], "records": seen(R, R, P)},
         f"{SAYS}; 2 more operations"),
        ({"working": [(operation("1"), "")]}, "add-node n1"),
        ({"records": seen(P, P)}, "2 operations"),
        ({"records": seen(F)}, "add-node n0 failed: bob op show 0"),
        ({"records": seen(Z)}, "add-node n0 is paused: bob op show 0"),
        ({"remarks": {"quorum": ("n3 is lost", "n4 too")}}, "n3 is lost; n4 too"),
        ({"trouble": "Consul does not answer", "working": WORK}, "Consul does not answer"),
        ({"pause": Pause(who="ann", why="switches"), "working": WORK}, "paused by ann: switches"),
    ],
)  # fmt: skip
def test_the_sentence(fields: dict[str, Any], expected: str) -> None:
    assert Board(epoch=42, **fields).sentence() == f"leader epoch 42: {expected}"


def test_a_pause_that_is_over_says_nothing() -> None:
    over = Pause.model_validate({"who": "ann", "until": time.time() - 1})
    assert Board(epoch=1, pause=over).sentence() == "leader epoch 1: nothing to do"


def test_a_sentence_has_an_end() -> None:
    text = Board(epoch=1, remarks={"d": ("x" * 2000,)}).sentence()
    assert len(text) == SENTENCE
    assert text.endswith("…")


def test_figures() -> None:
    figures = Figures()
    figures.cycled(0.25)
    figures.ended["done"] += 2
    found = figures.metrics(Board(epoch=7, records=seen(R, R, F)))
    assert found["bob_robot_epoch"] == 7
    assert found["bob_robot_operations_running"] == 2
    assert found["bob_robot_operations_failed"] == 1
    assert found["bob_robot_operations_done_total"] == 2
    assert found["bob_robot_cycle_seconds"] == 0.25
    assert figures.metrics(None)["bob_robot_epoch"] == 0
