"""What the robot shows of itself: who leads, its last sentence, its pause, what it works on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from bob.clients.consul import Check, Consul, KvEntry
from bob.election import LEADER_KEY
from bob.pause import PAUSE_KEY, Pause, parse_pause

SERVICE = "bob"  # each agent registers it with a check whose output is a sentence
OPERATIONS = "bob/ops/"
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OperationLine:
    """What a status tells of an operation that is not finished; `error` of the failed step."""

    id: str
    kind: str
    target: str
    state: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class RobotView:
    """What Consul's KV holds of the robot. `leader` is a node's name, "" when nobody leads.

    `pause` is what was asked for, whether it is still in force or not.
    """

    leader: str = ""
    epoch: int = 0
    pause: Pause | None = None
    operations: tuple[OperationLine, ...] = ()


def look(consul: Consul) -> RobotView:
    """Three reads. Raises what the client raises."""
    lock, stop = consul.kv.get(LEADER_KEY), consul.kv.get(PAUSE_KEY)
    return RobotView(
        leader=leader_of(lock),
        epoch=lock.lock_index if lock else 0,
        pause=parse_pause(stop.value) if stop else None,
        operations=tuple(_line(entry) for entry in consul.kv.list(OPERATIONS)),
    )


def leader_of(lock: KvEntry | None) -> str:
    """The node whose agent holds the leader key, or ""."""
    if lock is None or not lock.session:
        return ""
    try:
        return str(json.loads(lock.value)["node"])
    except (ValueError, KeyError, TypeError):  # taken, and its name is not written yet
        return "somebody"


def sentence_of(leader: str, checks: Iterable[Check]) -> str:
    """The last sentence of the leader, or ""."""
    own = (c.output for c in checks if c.node == leader and c.service_name == SERVICE)
    return next(own, "").strip()


def _line(entry: KvEntry) -> OperationLine:
    """One record; its full form belongs to `bob.ops`, and a newer Bob may have added to it."""
    record = entry.json()
    errors = (step.get("error", "") for step in record.get("steps", ()))
    return OperationLine(
        id=record["id"],
        kind=record["kind"],
        target=record["target"],
        state=record["state"],
        error=next((error for error in errors if error), ""),
    )
