"""Work for the agent of one node, handed over through Consul's KV.

bob/tasks/<node>/<id>               what to do, and what came of it; nothing secret
bob/secret/nodes/<node>/<id>        what goes along that others must not read

The robot writes a task, the agent of that node does it, writes the outcome, and the robot reads it.
A task is done once for each `attempt`; doing it again after a crash is harmless, since each kind of
task makes something so instead of changing it by a step.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from bob.clients.consul import Consul, KvEntry, Txn, TxnResult
from bob.clients.http import Unreachable
from bob.errors import DeadlinePassed, Permanent, Temporary
from bob.ops.consul_store import OPERATIONS
from bob.ops.record import Operation
from bob.ops.states import State
from bob.ops.store import Conflict
from bob.provision.access import SECRET_KEYS
from bob.waiting import Deadline, pause

TASKS = "bob/tasks/"
PAYLOADS = f"{SECRET_KEYS}nodes/"
LOOK_SECONDS = 0.2
AT_WORK = frozenset({State.RUNNING, State.ABORTING})


class TaskState(enum.StrEnum):
    """Where a task is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Task(BaseModel):
    """One task as stored. `args` and `result` are JSON; `retry`: another attempt may help.

    `claims` is how often an agent has begun it. Each beginning is a new version by that: the
    outcome of an earlier one, sent by a process that has died, cannot count for the next.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    args: dict[str, Any] = {}
    operation: str
    epoch: int
    attempt: int = 1
    claims: int = 0
    state: TaskState = TaskState.PENDING
    error: str = ""
    retry: bool = False
    result: dict[str, Any] = {}


class Leader(Protocol):
    """What is needed of an `Elector`."""

    def commit(self, txn: Txn) -> TxnResult:
        """Commit, provided that we still lead. Raises `LockLost`."""


class Tasks:
    """The tasks of one operation, as the leader of `epoch` hands them out."""

    def __init__(self, consul: Consul, leader: Leader, operation: str, epoch: int) -> None:
        self._consul = consul
        self._leader = leader
        self._operation = operation
        self._epoch = epoch
        self._record = OPERATIONS + operation

    def run(
        self,
        node: str,
        step: str,
        kind: str,
        deadline: Deadline,
        args: Mapping[str, Any] | None = None,
        payload: bytes | None = None,
    ) -> dict[str, Any]:
        """Have `node` do something and return its result.

        `step` makes the id together with the operation, so that another leader finds the task
        again. Raises `Temporary` or `Permanent` with the agent's reason, `DeadlinePassed` when it
        did not answer.
        """
        self.start(node, step, kind, args, payload)
        return self.wait(node, step, deadline)

    def start(
        self,
        node: str,
        step: str,
        kind: str,
        args: Mapping[str, Any] | None = None,
        payload: bytes | None = None,
    ) -> None:
        """Hand a task out, unless the same one is under way or done already."""
        key, secret = self._key(node, step), self._payload(node, step)
        entry = self._consul.kv.get(key)
        before = Task.model_validate_json(entry.value) if entry else None
        wanted = Task(
            kind=kind, args=dict(args or {}), operation=self._operation, epoch=self._epoch
        )
        if entry and before and before.state is not TaskState.FAILED:
            known = self._consul.kv.get(secret) if payload is not None else None
            if before.args == wanted.args and (
                payload is None or (known and known.value == payload)
            ):
                return
        if before:
            wanted = wanted.model_copy(update={"attempt": before.attempt + 1})
        txn = self._consul.txn()
        if payload is not None:
            txn.set(secret, payload)
        txn.cas(key, wanted.model_dump_json(indent=2), entry.modify_index if entry else 0)
        # A request that arrives late must not hand out what an abort has taken back meanwhile.
        txn.check_index(self._record, self._index())
        if not self._leader.commit(txn).ok:
            raise Temporary(f"{key} was changed meanwhile", delay=LOOK_SECONDS)

    def wait(self, node: str, step: str, deadline: Deadline) -> dict[str, Any]:
        """Wait until the task is over; its result. Raises like `run`.

        The node may be the one we run on: its Consul agent may go away for a moment.
        """
        key = self._key(node, step)
        while True:
            entry = self._get(key, deadline)
            if entry is None:
                raise Conflict(f"{key} is gone")
            task = Task.model_validate_json(entry.value)
            if task.state is TaskState.DONE:
                return task.result
            if task.state is TaskState.FAILED:
                failure = f"{node}: {task.error}"
                raise Temporary(failure) if task.retry else Permanent(failure)
            if deadline.passed():
                raise DeadlinePassed(
                    f"{node}: {task.kind} is {task.state} after {deadline.seconds:.0f} s",
                    cure=f"Look at journalctl -u bob-agent on {node}.",
                )
            pause(LOOK_SECONDS, deadline.clock)

    def of_step(self, step: str) -> dict[str, Task]:
        """The tasks of one step, by node."""
        ending = f"/{self._operation}.{step}"
        return {
            entry.key.removeprefix(TASKS).removesuffix(ending): Task.model_validate_json(
                entry.value
            )
            for entry in self._consul.kv.list(TASKS)
            if entry.key.endswith(ending)
        }

    def settle(self, deadline: Deadline) -> None:
        """Take back what no agent has begun and wait for what runs, before anything is undone.

        A task that still runs at the deadline is left: its node is gone, or hangs.
        """
        while True:
            running = False
            for key in self._keys():
                entry = self._consul.kv.get(key)
                state = Task.model_validate_json(entry.value).state if entry else TaskState.DONE
                if entry and state is TaskState.PENDING:
                    taken = self._leader.commit(
                        self._consul.txn().delete_cas(key, entry.modify_index)
                    )
                    running |= not taken.ok
                running |= state is TaskState.RUNNING
            if not running or deadline.passed():
                return
            pause(LOOK_SECONDS, deadline.clock)

    def forget(self) -> None:
        """Delete all tasks of this operation."""
        for key in self._keys():
            _delete(self._consul, self._leader, key)

    def _get(self, key: str, deadline: Deadline) -> KvEntry | None:
        while True:
            try:
                return self._consul.kv.get(key)
            except Unreachable as error:
                if deadline.passed():
                    raise DeadlinePassed(str(error), cure=error.cure) from error
                pause(LOOK_SECONDS, deadline.clock)

    def _keys(self) -> list[str]:
        return [key for key in self._consul.kv.keys(TASKS) if _operation(key) == self._operation]

    def _index(self) -> int:
        """The place in time of our operation's record. Raises `Conflict` when it is not at work."""
        entry = self._consul.kv.get(self._record)
        if entry is None or Operation.model_validate_json(entry.value).state not in AT_WORK:
            raise Conflict(f"operation {self._operation} is not at work")
        return entry.modify_index

    def _key(self, node: str, step: str) -> str:
        return f"{TASKS}{node}/{self._operation}.{step}"

    def _payload(self, node: str, step: str) -> str:
        return f"{PAYLOADS}{node}/{self._operation}.{step}"


def _operation(key: str) -> str:
    return key.rsplit("/", 1)[-1].partition(".")[0]


def _delete(consul: Consul, leader: Leader, key: str) -> None:
    leader.commit(consul.txn().delete(key).delete(PAYLOADS + key.removeprefix(TASKS)))
