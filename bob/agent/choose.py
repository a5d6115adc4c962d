"""Which task is next: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bob.ops.tasks import Task, TaskState


@dataclass(frozen=True)
class Found:
    """A task as it was read: its key, its place in time, and what it holds."""

    key: str
    index: int
    task: Task

    @property
    def open(self) -> bool:
        """Somebody waits for it."""
        return self.task.state in (TaskState.PENDING, TaskState.RUNNING)


@dataclass(frozen=True)
class Do:
    """Do this task."""

    found: Found


@dataclass(frozen=True)
class Refuse:
    """Tell why this task is not done; the leader may hand it out again."""

    found: Found
    reason: str


def choose(tasks: Sequence[Found], seen: int, leader: int) -> Do | Refuse | None:
    """The next thing to do, None when there is nothing.

    `seen` is the highest epoch of any task so far, `leader` the epoch of the present leader (0:
    unknown). A task that runs is one during which we died: it is done again, before others. The
    rest comes in the order in which it was handed out. A task of an earlier leader is refused,
    unless that leader is the present one: a restored Consul counts from an earlier epoch.
    """
    waiting = sorted(
        (found for found in tasks if found.open),
        key=lambda found: (found.task.state is not TaskState.RUNNING, found.index),
    )
    if not waiting:
        return None
    first = waiting[0]
    if first.task.epoch < seen and first.task.epoch != leader:
        return Refuse(
            first,
            f"it was handed out by the leader of epoch {first.task.epoch}, and that of epoch "
            f"{seen} has spoken since",
        )
    return Do(first)
