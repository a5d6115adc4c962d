"""What is stored of an operation: one small JSON document, readable by a person.

The record is for people, attempts and back-off. What is true of the world is asked from the world
by each step's `probe`, so a record that lags behind a crash does no harm.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict
from ulid import ULID

from bob.ops.states import State, StepState, check_change
from bob.ops.step import Step


class StepRecord(BaseModel):
    """One step as stored. Times are UTC; `error` is the last failure, empty once done.

    `final`: once it has begun, the operation can no longer be aborted.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    title: str
    state: StepState = StepState.PENDING
    attempts: int = 0
    final: bool = False
    started: datetime.datetime | None = None
    finished: datetime.datetime | None = None
    error: str = ""


class Operation(BaseModel):
    """One operation as stored.

    `scopes` are what it holds while it is active ("servers", "node/n4"). `epoch` is the epoch of
    the leader that wrote last; 0 before a cluster exists. `inventory` is the digest of the
    inventory it was asked for. `params` is what was asked for besides the target; nothing secret.
    `accepted` names the guards that the operator passed. `said` is the last thing worth telling.
    `failures` counts the runs that ended in `failed`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    kind: str
    target: str
    scopes: tuple[str, ...]
    state: State = State.PENDING
    epoch: int = 0
    inventory: str = ""
    requested_by: str = ""
    bob_version: str = ""
    accepted: tuple[str, ...] = ()
    params: dict[str, Any] = {}
    said: str = ""
    failures: int = 0
    steps: tuple[StepRecord, ...] = ()

    def with_state(self, state: State) -> Operation:
        """The same operation in another state; the change is checked."""
        return self.model_copy(update={"state": check_change(self.state, state)})

    @property
    def abortable(self) -> bool:
        """No step beyond the point of no return has begun."""
        return not any(step.final and step.attempts for step in self.steps)

    @property
    def waiting_for(self) -> StepRecord | None:
        """The first step that is not done."""
        return next((step for step in self.steps if step.state is not StepState.DONE), None)

    def step(self, name: str) -> StepRecord:
        """The record of one step."""
        return next(step for step in self.steps if step.name == name)

    def with_step(self, changed: StepRecord) -> Operation:
        """The same operation with one step's record replaced."""
        steps = tuple(changed if step.name == changed.name else step for step in self.steps)
        return self.model_copy(update={"steps": steps})


def records_of(steps: Iterable[Step[Any]]) -> tuple[StepRecord, ...]:
    """The records of steps that have not begun."""
    return tuple(StepRecord(name=s.name, title=s.title, final=s.final) for s in steps)


def new_id() -> str:
    """A ULID: sorts by time, unique without coordination, valid in a Consul key."""
    return str(ULID())
