"""Which operations get a worker, which worker has to stop, and when a failed one is tried again.

Pure: it judges what was read of `bob/ops/` and what is known of our own workers.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from bob.ops.record import Operation
from bob.ops.states import State

ROBOT = "robot"
"""Who asked for an operation that the leader wished by itself (`Operation.requested_by`)."""

WORKERS = 16  # operations carried out at the same time
RESTART_SECONDS = 1.0  # after a worker ended and nobody has changed the record since
RETRY_SECONDS = 10.0  # before the first retry of a failed operation; doubled for each more
RETRY_LIMIT = 600.0
FAILURES = 3  # an operation of the robot that failed so often is taken back, if it can be


class Mode(enum.Enum):
    """What a worker does with an operation."""

    RUN = "run"
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as read: its version, and when this leader first saw that version (seconds)."""

    operation: Operation
    version: int
    since: float = -inf


@dataclass(frozen=True, slots=True)
class Ended:
    """The last version that a worker knew when it ended, and when that was.

    A record of a lower version was read before the worker wrote, so it says nothing.
    """

    version: int
    at: float


@dataclass(frozen=True)
class Look:
    """What the leader knows. `workers` are those at work, by operation."""

    operations: Sequence[Seen]
    workers: Mapping[str, Mode] = field(default_factory=dict)
    ended: Mapping[str, Ended] = field(default_factory=dict)
    paused: bool = False


@dataclass(frozen=True)
class Plan:
    """What to do now.

    `start` is everything that may begin, the most urgent first: it is begun as workers get free.
    `interrupt` are the workers that have to stop. `again` is when a delay of this plan ends.
    """

    start: tuple[tuple[str, Mode], ...] = ()
    interrupt: tuple[str, ...] = ()
    again: float = inf


def decide(look: Look, now: float) -> Plan:
    """Judge all operations; `now` is on the clock of `Seen.since` and `Ended.at`."""
    if look.paused:
        return Plan(interrupt=tuple(look.workers))
    urgent: list[tuple[str, Mode]] = []
    others: list[tuple[str, Mode]] = []
    interrupt: list[str] = []
    again = inf
    for seen in sorted(look.operations, key=lambda one: one.operation.id):
        name, state = seen.operation.id, seen.operation.state
        working = look.workers.get(name)
        ended = look.ended.get(name)
        if working:
            if state is State.PAUSED or (state is State.ABORTING and working is not Mode.ABORT):
                interrupt.append(name)
            continue
        mode = _mode(seen.operation)
        if mode is None or (ended and seen.version < ended.version):
            continue
        due = _due(seen, ended)
        if due > now:
            again = min(again, due)
        elif state in (State.RUNNING, State.ABORTING):
            urgent.append((name, mode))
        else:
            others.append((name, mode))
    return Plan((*urgent, *others), tuple(interrupt), again)


def outdated(ended: Mapping[str, Ended], index: int, present: Iterable[str]) -> tuple[str, ...]:
    """Whose end needs no memory any more, after a read at `index` that found `present`."""
    known = set(present)
    return tuple(n for n, end in ended.items() if n not in known and index >= end.version)


def _mode(operation: Operation) -> Mode | None:
    match operation.state:
        case State.PENDING | State.RUNNING:
            return Mode.RUN
        case State.ABORTING:
            return Mode.ABORT
        case State.FAILED if operation.requested_by == ROBOT:
            hopeless = operation.failures >= FAILURES and operation.abortable
            return Mode.ABORT if hopeless else Mode.RUN
    return None  # it waits for a person


def _due(seen: Seen, ended: Ended | None) -> float:
    if seen.operation.state is State.FAILED:
        return seen.since + retry_delay(seen.operation.failures)
    if ended and seen.version == ended.version:
        return ended.at + RESTART_SECONDS
    return -inf


def retry_delay(failures: int) -> float:
    """Seconds between a failure and the next attempt, after so many failures."""
    return min(RETRY_SECONDS * 2.0 ** min(max(failures - 1, 0), 10), RETRY_LIMIT)
