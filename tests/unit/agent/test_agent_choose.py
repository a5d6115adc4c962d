"""Which task is next."""

from __future__ import annotations

import pytest

from bob.agent.choose import Do, Found, Refuse, choose
from bob.ops.tasks import Task, TaskState


def found(key: str, index: int, state: str = "pending", epoch: int = 5) -> Found:
    return Found(key, index, Task(kind="k", operation="op", epoch=epoch, state=TaskState(state)))


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([], None),
        ([found("a", 1, "done"), found("b", 2, "failed")], None),
        ([found("a", 3), found("b", 2)], "b"),  # in the order they were handed out
        ([found("a", 1), found("b", 2, "running")], "b"),  # we died during it
    ],
)
def test_the_next_task(tasks: list[Found], expected: str | None) -> None:
    chosen = choose(tasks, seen=5, leader=5)
    assert (chosen.found.key if isinstance(chosen, Do) else None) == expected


@pytest.mark.parametrize(
    ("epoch", "seen", "leader", "done"),
    [
        (5, 5, 5, True),
        (6, 5, 6, True),
        (6, 5, 0, True),  # nobody leads just now
        (4, 5, 5, False),  # its leader was replaced
        (4, 5, 0, False),
        (4, 9, 4, True),  # Consul was restored from a backup: epochs start lower again
    ],
)
def test_a_former_leader_is_not_obeyed(epoch: int, seen: int, leader: int, done: bool) -> None:
    chosen = choose([found("a", 1, epoch=epoch)], seen, leader)
    assert isinstance(chosen, Do if done else Refuse)
