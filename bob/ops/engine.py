"""Runs an operation: probe, apply, probe again, write down, next step; or takes it back.

The engine trusts no memory. Each step is probed before it is applied, also when the record says
it was done, so a step that a dead engine left half done, or that the world has undone since, is
seen and not guessed.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Sequence
from typing import Generic, Protocol, TypeVar

from bob import logs
from bob.clients.http import Unreachable
from bob.errors import BobError, LockLost, Permanent, Temporary
from bob.ops.record import Operation, StepRecord
from bob.ops.states import State, StepState
from bob.ops.step import Need, Probe, Step
from bob.ops.store import Conflict, RecordStore
from bob.waiting import SYSTEM_CLOCK, Clock, Deadline

C = TypeVar("C")
BACK_OFF_LIMIT = 30.0
TAKEN_UP = frozenset({State.PENDING, State.RUNNING, State.FAILED})
TAKEN_BACK = frozenset({State.ABORTING, State.FAILED})


class Observer(Protocol):
    """Is told what happens, for progress output. `reason` says why the step is needed."""

    def started(self, step: StepRecord, reason: str) -> None:
        """A step is about to be applied."""

    def retrying(self, step: StepRecord, error: BobError, delay: float) -> None:
        """An attempt failed; the next one begins after `delay` seconds."""

    def finished(self, step: StepRecord, applied: bool) -> None:
        """A step is done; `applied` is False when its probe found nothing to do."""


class Engine(Generic[C]):
    """Runs the steps of one operation that is already in the store."""

    def __init__(
        self,
        store: RecordStore,
        steps: Sequence[Step[C]],
        observer: Observer,
        clock: Clock = SYSTEM_CLOCK,
        utc: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
        outage: float = 0.0,
    ) -> None:
        """`outage`: seconds for which a server that does not answer costs a step no attempt."""
        self._store = store
        self._steps = steps
        self._observer = observer
        self._clock = clock
        self._utc = utc
        self._outage = outage
        self._log = logs.get()

    def run(self, operation_id: str, context: C) -> Operation:
        """Bring the operation to `done` and return its record.

        Raises the `BobError` of the step that could not be done; the operation is then `failed`
        and can be run again. An interrupt leaves it `running`, to be taken up again. `LockLost`
        and `Conflict` change nothing: somebody else has taken the operation over or changed it.
        """
        operation = self._take_up(operation_id, TAKEN_UP, State.RUNNING)
        for step in self._steps:
            try:
                operation = self._run_step(operation, step, context)
            except (LockLost, Conflict):
                raise  # somebody else writes this record now: what it says is not ours to change
            except BobError as error:
                self._log.error("step failed", step=step.name, error=str(error), exc_info=True)
                self._fail(step, error)
                raise
        return self._save(operation.with_state(State.DONE))

    def abort(self, operation_id: str, context: C) -> Operation:
        """Take back what the steps did, the last one first, and return the `aborted` record.

        Raises like `run`; a step that cannot be taken back leaves the operation `failed`.
        """
        operation = self._take_up(operation_id, TAKEN_BACK, State.ABORTING)
        for step in reversed(self._steps):
            stored = operation.step(step.name)
            untouched = stored.state is StepState.PENDING and not step.wish_left_traces
            if untouched or stored.state is StepState.UNDONE:
                continue
            try:
                step.undo(context, Deadline(step.timeout, self._clock))
            except (LockLost, Conflict):
                raise
            except BobError as error:
                self._log.error("not taken back", step=step.name, error=str(error), exc_info=True)
                self._fail(step, error)
                raise
            undone = stored.model_copy(
                update={"state": StepState.UNDONE, "finished": self._utc(), "error": ""}
            )
            operation = self._save(operation.with_step(undone))
        return self._save(operation.with_state(State.ABORTED))

    def _take_up(self, operation_id: str, expected: Collection[State], state: State) -> Operation:
        """Make the operation ours. Raises `Conflict` when it was changed since it was listed."""
        operation, self._version = self._store.read(operation_id)
        if operation.state not in expected:
            raise Conflict(f"operation {operation_id} is {operation.state}")
        return self._save(operation.with_state(state))

    def _run_step(self, operation: Operation, step: Step[C], context: C) -> Operation:
        attempt, applied = 0, False
        patience = Deadline(self._outage, self._clock)
        while True:
            before = attempt
            try:
                probe = self._possible(step, context)
                if probe.need is Need.DONE:
                    break
                attempt += 1
                applied = True
                operation = self._begin(operation, step, probe)
                step.apply(context, Deadline(step.timeout, self._clock))
                self._probe_again(step, context)
                break
            except Temporary as error:
                missed = operation.step(step.name).model_copy(update={"error": str(error)})
                operation = operation.with_step(missed)  # written when the step begins again
                if isinstance(error, Unreachable) and not patience.passed():
                    attempt = before
                else:
                    attempt = before + 1
                if attempt >= step.attempts:
                    raise
                delay = min(error.delay * 2 ** max(attempt - 1, 0), BACK_OFF_LIMIT)
                self._observer.retrying(missed, error, delay)
                self._log.warning("step retried", step=step.name, error=str(error), delay=delay)
                self._clock.sleep(delay)
        done = operation.step(step.name).model_copy(
            update={"state": StepState.DONE, "finished": self._utc(), "error": ""}
        )
        operation = self._save(operation.with_step(done))
        self._observer.finished(done, applied)
        return operation

    def _possible(self, step: Step[C], context: C) -> Probe:
        probe = step.probe(context)
        if probe.need is Need.IMPOSSIBLE:
            raise Permanent(f"{step.title}: {probe.reason}")
        return probe

    def _begin(self, operation: Operation, step: Step[C], probe: Probe) -> Operation:
        stored = operation.step(step.name)
        running = stored.model_copy(
            update={
                "state": StepState.RUNNING,
                "attempts": stored.attempts + 1,
                "started": self._utc(),
                "finished": None,
            }
        )
        self._observer.started(running, probe.reason)
        self._log.info("step started", step=step.name, reason=probe.reason)
        return self._save(operation.with_step(running))

    def _probe_again(self, step: Step[C], context: C) -> None:
        """Probe after applying: it has to agree, else the step counts as failed for now."""
        probe = self._possible(step, context)
        if probe.need is Need.NEEDED:
            raise Temporary(f"{step.title}: applied, but still needed: {probe.reason}")

    def _fail(self, step: Step[C], error: BobError) -> None:
        failed = self._saved.step(step.name).model_copy(
            update={"state": StepState.FAILED, "error": str(error)}
        )
        operation = self._saved.with_step(failed).with_state(State.FAILED)
        self._save(operation.model_copy(update={"failures": operation.failures + 1}))

    def _save(self, operation: Operation) -> Operation:
        self._version = self._store.write(operation, self._version)
        self._saved = operation
        return operation
