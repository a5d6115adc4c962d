"""The record of the one operation that a worker carries out, with what it says meanwhile.

The engine knows the record by its version. A sentence that is written between two steps makes a
new version, so both go through here.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from bob.clients.http import Unreachable
from bob.errors import BobError
from bob.ops.consul_store import ConsulStore
from bob.ops.record import Operation, StepRecord
from bob.ops.states import FINISHED, State, StepState
from bob.ops.store import Conflict
from bob.robot.term import Interrupt
from bob.waiting import Clock

SAY_SECONDS = 2.0  # between two writes of a sentence: each of them is a round of raft


class Ledger:
    """What the engine reads and writes of `Store`, for one operation and one worker.

    Raises `Conflict` before another step begins when the worker has to stop. `version` is the last
    one that is known; `said` the last sentence, written or not.
    """

    def __init__(self, store: ConsulStore, interrupt: Interrupt, clock: Clock) -> None:
        self._store = store
        self._interrupt = interrupt
        self._clock = clock
        self._changing = threading.RLock()
        self._written = ""
        self._next = clock.now()
        self._steps: tuple[StepRecord, ...] | None = None
        self.operation: Operation | None = None
        self.version = 0
        self.said = ""

    def expect(self, steps: Sequence[StepRecord]) -> None:
        """The steps of this version of Bob: those that a record of another version lacks."""
        self._steps = tuple(steps)

    def read(self, operation_id: str) -> tuple[Operation, int]:
        """See `Store.read`. Steps that are unknown by now are left out, new ones put in."""
        with self._changing:
            operation, self.version = self._store.read(operation_id)
            if self._steps is not None:
                known = {step.name: step for step in operation.steps}
                steps = tuple(known.get(step.name, step) for step in self._steps)
                operation = operation.model_copy(update={"steps": steps})
            self.operation = operation
            self.said = self._written = operation.said
            return operation, self.version

    def write(self, operation: Operation, version: int) -> int:
        """See `Store.write`; `version` is that of the engine's last write, not of a sentence."""
        with self._changing:
            if self._begins_a_step(operation):
                self._interrupt.check()
            if operation.state in FINISHED:
                self.said = ""
            operation = operation.model_copy(update={"said": self.said})
            self._put(operation)
            if operation.state is State.ABORTING:
                self._interrupt.check()
            return self.version

    def say(self, text: str) -> None:
        """Tell a sentence; it is written at the latest when it was said, or flushed, later on."""
        with self._changing:
            self.said = text
        self.flush()

    def flush(self) -> None:
        """Write the last sentence if it is not written and the last write is a while ago."""
        with self._changing:
            made = self.operation
            due = made and self.said != self._written and self._clock.now() >= self._next
            if not made or not due:
                return
            try:
                self._put(made.model_copy(update={"said": self.said}))
            except Unreachable:  # the next write carries it
                self._next = self._clock.now() + SAY_SECONDS

    def fail(self, operation_id: str, error: BobError) -> None:
        """Make the operation `failed` for a reason outside of its steps.

        Raises `Conflict` when it is at rest already, or its state is not ours to change.
        """
        with self._changing:
            operation, _ = self.read(operation_id)
            if operation.state in (State.PENDING, State.FAILED):
                operation = operation.with_state(State.RUNNING)
            if operation.state not in (State.RUNNING, State.ABORTING):
                raise Conflict(f"operation {operation_id} is {operation.state}")
            self.said = f"{error} {error.cure}".strip()
            changed = {"said": self.said, "failures": operation.failures + 1}
            self._put(operation.with_state(State.FAILED).model_copy(update=changed))

    def _put(self, operation: Operation) -> None:
        self.version = self._store.write(operation, self.version)
        self.operation = operation
        self._written = operation.said
        self._next = self._clock.now() + SAY_SECONDS

    def _begins_a_step(self, operation: Operation) -> bool:
        before = self.operation.steps if self.operation else ()
        at_work = {step.name for step in before if step.state is StepState.RUNNING}
        return any(
            step.state is StepState.RUNNING and step.name not in at_work for step in operation.steps
        )
