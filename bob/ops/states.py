"""The states of an operation and of its steps, and the changes that are allowed."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """Where an operation is."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    ABORTING = "aborting"
    ABORTED = "aborted"


class StepState(enum.StrEnum):
    """Where a step is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"


ALLOWED: frozenset[tuple[State, State]] = frozenset(
    {
        (State.PENDING, State.RUNNING),
        (State.PENDING, State.PAUSED),
        (State.PENDING, State.ABORTING),
        (State.RUNNING, State.RUNNING),  # taken up again after its engine died
        (State.RUNNING, State.PAUSED),
        (State.RUNNING, State.DONE),
        (State.RUNNING, State.FAILED),
        (State.RUNNING, State.ABORTING),
        (State.PAUSED, State.RUNNING),
        (State.PAUSED, State.ABORTING),
        (State.FAILED, State.RUNNING),  # retry
        (State.FAILED, State.ABORTING),
        (State.ABORTING, State.ABORTING),  # taken up again after its engine died
        (State.ABORTING, State.ABORTED),
        (State.ABORTING, State.FAILED),
    }
)

FINISHED = frozenset({State.DONE, State.ABORTED})


def check_change(old: State, new: State) -> State:
    """Return `new`, or raise `ValueError` when an operation may not go from `old` to it."""
    if (old, new) not in ALLOWED:
        raise ValueError(f"an operation cannot go from {old} to {new}")
    return new
