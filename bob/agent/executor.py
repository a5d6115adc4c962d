"""Does the tasks of this node, one at a time, and writes what came of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bob import logs
from bob.agent.choose import Do, Found, Refuse, choose
from bob.agent.epoch import EpochFile
from bob.agent.machine import Machine
from bob.agent.work import TASK_SECONDS, Run, Work, kinds
from bob.clients.consul import Consul, KvEntry
from bob.clients.consul.kv import WAIT_SECONDS
from bob.daemon.parts import Beat
from bob.election import LEADER_KEY
from bob.errors import BobError, DeadlinePassed, Permanent, Temporary
from bob.ops.tasks import PAYLOADS, TASKS, Task, TaskState
from bob.waiting import Clock, Deadline, pause

RETRY_SECONDS = 1.0
PATIENCE = 60.0  # of the watchdog: a blocking read and what may follow it


class Stopping(BaseException):
    """The daemon stops in the middle of a task, which is done again at its next start."""


@dataclass(frozen=True)
class Node:
    """Whose tasks are done, and where."""

    cluster: str
    name: str
    machine: Machine


class Executor:
    """The tasks below `bob/tasks/<node>/`. `consul` needs the rights of the node's own token.

    `say` publishes one sentence, `end` ends the process after a task that demands it. `counts` are
    the tasks so far by kind and outcome.
    """

    def __init__(
        self,
        consul: Consul,
        node: Node,
        epochs: EpochFile,
        say: Callable[[str], None],
        end: Callable[[str], None],
        known: Callable[[], Mapping[str, Run]] = kinds,
        clock: Clock | None = None,
    ) -> None:
        self._consul = consul
        self._node = node
        self._epochs = epochs
        self._say = say
        self._end = end
        self._known = known
        self._clock = clock or Clock()
        self._prefix = f"{TASKS}{node.name}/"
        self._index = 0
        self._fault = logs.Fault("tasks")
        self.counts: Counter[tuple[str, str]] = Counter()

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Do tasks as they come, until `stop` is set."""
        self._clock = Clock(sleep=lambda seconds: _sleep(stop, seconds))
        with suppress(Stopping):
            while not stop.is_set():
                beat(PATIENCE)
                try:
                    self.step(stop, beat)
                    self._fault.passed()
                except BobError as error:
                    self._fault.failed(error)
                    self._index = 0
                    pause(RETRY_SECONDS, self._clock)

    def step(self, stop: threading.Event, beat: Beat) -> None:
        """Wait for tasks that are new, half a minute at most, and do all that are there."""
        read = self._consul.kv.read_all(self._prefix, index=self._index, wait=WAIT_SECONDS)
        while not stop.is_set():
            tasks = [found for entry in read.value if (found := _parse(entry))]
            if not any(found.open for found in tasks):
                break
            match choose(tasks, self._epochs.value, self._leader()):
                case Refuse(found, reason):
                    logs.get().warning("task refused", task=found.key, reason=reason)
                    refused = _outcome(found, TaskState.FAILED, error=reason, retry=True)
                    self._finish(found, refused, stop, beat)
                case Do(found):
                    self._do(found, stop, beat)
            read = self._consul.kv.read_all(self._prefix)
        self._index = read.index

    def _leader(self) -> int:
        entry = self._consul.kv.get(LEADER_KEY)
        return entry.lock_index if entry and entry.session else 0

    def _do(self, found: Found, stop: threading.Event, beat: Beat) -> None:
        claimed = self._claim(found)
        if claimed is None:
            return
        self._epochs.set(claimed.task.epoch)
        work = self._work(claimed, beat)
        what = f"{claimed.task.kind} for {claimed.task.operation}"
        self._say(f"does {what}")
        outcome = self._carry_out(claimed, work)
        text = f"{what}: {outcome.state.value}"
        self._say(f"{text}: {outcome.error}" if outcome.error else text)
        self.counts[outcome.kind, outcome.state.value] += 1
        if self._finish(claimed, outcome, stop, beat):
            for action in work.afterwards:
                action()

    def _claim(self, found: Found) -> Found | None:
        """Mark the task as under way; None when it was taken back meanwhile."""
        changed = {"state": TaskState.RUNNING, "claims": found.task.claims + 1}
        task = found.task.model_copy(update=changed)
        written = self._consul.txn().cas(found.key, _dump(task), found.index).commit()
        return Found(found.key, written.entries[0].modify_index, task) if written.ok else None

    def _work(self, found: Found, beat: Beat) -> Work:
        seconds = float(found.task.args.get("seconds", TASK_SECONDS))
        beat(seconds + PATIENCE)
        identity = found.key.removeprefix(self._prefix)
        payload = self._consul.kv.get(f"{PAYLOADS}{self._node.name}/{identity}")
        return Work(
            node=self._node.name,
            cluster=self._node.cluster,
            args=found.task.args,
            payload=payload.value if payload else None,
            deadline=Deadline(seconds, self._clock),
            machine=self._node.machine,
            say=self._say,
            end=self._end,
        )

    def _carry_out(self, found: Found, work: Work) -> Task:
        kind = found.task.kind
        log = logs.get().bind(task=found.key, kind=kind, attempt=found.task.attempt)
        log.info("task begun")
        try:
            run = self._known().get(kind)
            if run is None:
                raise Permanent(
                    f"the agent of {self._node.name} knows no task {kind!r}: upgrade it"
                )
            result = run(work)
        except BobError as error:
            log.warning("task failed", error=str(error))
            reason = f"{error} {error.cure}".strip()
            retry = isinstance(error, Temporary | DeadlinePassed)
            return _outcome(found, TaskState.FAILED, error=reason, retry=retry)
        except Exception as error:
            log.exception("task failed")
            reason = f"bug in the task {kind}: {type(error).__name__}: {error}"
            return _outcome(found, TaskState.FAILED, error=reason)
        log.info("task done", result=result)
        return _outcome(found, TaskState.DONE, result=result)

    def _finish(self, found: Found, outcome: Task, stop: threading.Event, beat: Beat) -> bool:
        """Write the outcome, however long that takes; False when nobody asks for it any more.

        The task may have restarted the very Consul agent that we ask.
        """
        content = _dump(outcome)
        while not stop.is_set():
            beat(PATIENCE)
            try:
                if self._consul.kv.put(found.key, content, cas=found.index):
                    return True
                entry = self._consul.kv.get(found.key)
                return entry is not None and entry.value == content  # an answer was lost
            except BobError as error:
                logs.get().warning("outcome not written", task=found.key, error=str(error))
                pause(RETRY_SECONDS, self._clock)
        return False


def _parse(entry: KvEntry) -> Found | None:
    try:
        return Found(entry.key, entry.modify_index, Task.model_validate_json(entry.value))
    except ValidationError:
        logs.get().warning("no task", key=entry.key)
        return None


def _outcome(found: Found, state: TaskState, **fields: Any) -> Task:
    return found.task.model_copy(
        update={"state": state, "error": "", "retry": False, "result": {}} | fields
    )


def _dump(task: Task) -> bytes:
    return task.model_dump_json(indent=2).encode()


def _sleep(stop: threading.Event, seconds: float) -> None:
    if stop.wait(seconds):
        raise Stopping
