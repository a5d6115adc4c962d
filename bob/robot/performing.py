"""Carries one operation out: judge it once more, run the engine, clean up, tell the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bob import logs
from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.clients.nomad import Nomad
from bob.errors import BobError, LockLost, Permanent
from bob.ops.consul_store import ConsulStore
from bob.ops.context import OperationContext
from bob.ops.engine import Engine
from bob.ops.kind import Kind, Request, kind_of, refuse_guarded
from bob.ops.record import Operation, StepRecord, records_of
from bob.ops.sense import sense
from bob.ops.states import FINISHED, StepState
from bob.ops.step import Step
from bob.ops.store import Conflict
from bob.ops.view import ClusterView
from bob.provision.install import Binary
from bob.robot.decide import Mode
from bob.robot.judging import outlast
from bob.robot.ledger import Ledger
from bob.robot.source import Source
from bob.robot.term import Interrupt, Term, working_clock
from bob.robot.views import SHARED_SECONDS, Views
from bob.waiting import Clock, Deadline
from inventory import NetworkName

EVENT = "bob-operation"
OUTAGE_SECONDS = 60.0  # Consul and Nomad elect a leader in 4 s; a whole rack starts in a minute
SETTLE_SECONDS = 60.0  # a task that runs on a node when its operation is taken back
ALONE = ("servers", "cluster")  # who holds these judges by a view that nobody shares


@dataclass(frozen=True)
class Means:
    """What all operations of one term use."""

    networks: Mapping[NetworkName, Consul]
    nomad: Source[Nomad]
    term: Term
    views: Views
    clock: Clock
    programs: Callable[[], tuple[Binary, ...]] = tuple
    look: Callable[[Mapping[NetworkName, Consul], Nomad], ClusterView] = sense

    @property
    def consul(self) -> Consul:
        """Consul of the mgmt network."""
        return self.networks[NetworkName.MGMT]


class Telling:
    """Tells what the engine does as sentences of the record."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def started(self, step: StepRecord, reason: str) -> None:
        """See `Observer.started`. It is written together with the beginning of the step."""
        self._ledger.said = f"{step.title}: {reason}" if reason else step.title

    def retrying(self, step: StepRecord, error: BobError, delay: float) -> None:
        """See `Observer.retrying`."""
        self._ledger.say(f"{step.title}: {error}; again in {delay:.0f} s")

    def finished(self, step: StepRecord, applied: bool) -> None:
        """See `Observer.finished`."""


class Job:
    """One operation in the hands of one worker."""

    def __init__(self, operation: str, mode: Mode, means: Means) -> None:
        self.operation = operation
        self.mode = mode
        self.interrupt = Interrupt()
        self._means = means
        self._clock = working_clock(means.clock, means.term, self.interrupt)
        store = ConsulStore(means.consul, means.term, clock=means.clock)
        self.ledger = Ledger(store, self.interrupt, means.clock)

    def perform(self) -> None:
        """Bring the operation as far as possible. Never raises: a robot outlives what it does."""
        log = logs.get().bind(operation=self.operation, mode=self.mode.value)
        try:
            self._perform()
        except (LockLost, Conflict) as error:
            log.info("operation left", reason=str(error))
        except Unreachable as error:  # not its fault: it stays as it is, and is taken up again
            log.warning("operation left", reason=str(error))
        except BobError as error:
            log.error("operation failed", error=str(error))
        except Exception as error:
            log.error("BUG", error=repr(error), exc_info=True)
            self._fail(Permanent(f"BUG: {error!r}", cure="See journalctl -u bob-agent."))

    def _perform(self) -> None:
        try:
            operation, _ = self.ledger.read(self.operation)
        except KeyError:
            raise Conflict("its record is gone") from None
        try:
            kind, steps = self._steps(operation)
        except BobError as error:
            self._fail(error)
            raise
        self.ledger.expect(records_of(steps))
        context = self._context(operation)
        engine = Engine(
            self.ledger, steps, Telling(self.ledger), context.clock, outage=OUTAGE_SECONDS
        )
        if self.mode is Mode.ABORT:
            context.tasks.settle(Deadline(SETTLE_SECONDS, context.clock))
            ended = engine.abort(self.operation, context)
        else:
            if kind and _untouched(operation):
                self._judge(kind, context)
            ended = engine.run(self.operation, context)
        _afterwards(context, ended)

    def _steps(
        self, operation: Operation
    ) -> tuple[Kind | None, tuple[Step[OperationContext], ...]]:
        """The kind and its steps; what was not begun can be taken back without knowing them."""
        try:
            kind = kind_of(operation.kind)
            return kind, kind.steps(_request(operation))
        except BobError:
            if self.mode is Mode.ABORT and _untouched(operation):
                return None, ()
            raise

    def _context(self, operation: Operation) -> OperationContext:
        means = self._means

        def sleep(seconds: float) -> None:
            self.ledger.flush()
            self._clock.sleep(seconds)

        return OperationContext(
            operation=operation,
            networks=means.networks,
            nomad=means.nomad.get(),
            leader=means.term,
            say=self.ledger.say,
            clock=Clock(means.clock.now, sleep),
            programs=means.programs,
            look=means.look,
        )

    def _judge(self, kind: Kind, context: OperationContext) -> None:
        """Check once more what was checked when it was wished."""
        operation = context.operation
        alone = any(scope in ALONE for scope in operation.scopes)

        def judge() -> None:
            seen = self._means.views.get(0.0 if alone else SHARED_SECONDS)
            others = {scope: by for scope, by in seen.held.items() if by != operation.id}
            view = replace(seen, held=others)
            kind.check(context.request, view)
            refuse_guarded(tuple(kind.guards(context.request, view)), operation.accepted)

        try:
            outlast(judge, context.say, context.clock)
        except (Unreachable, LockLost, Conflict):
            raise
        except BobError as error:
            self._fail(error)
            raise

    def _fail(self, error: BobError) -> None:
        try:
            self.ledger.fail(self.operation, error)
        except (BobError, KeyError) as other:  # it is left as it is, and taken up again
            logs.get().warning("not written", operation=self.operation, error=str(other))


def _request(operation: Operation) -> Request:
    return Request(operation.kind, operation.target, operation.params, operation.accepted)


def _untouched(operation: Operation) -> bool:
    return all(step.state is StepState.PENDING for step in operation.steps)


def _afterwards(context: OperationContext, ended: Operation) -> None:
    """What remains to be done once the record says the end. Housekeeping does it after a crash."""
    try:
        context.tasks.forget()
        if ended.state in FINISHED:
            context.consul.event.fire(EVENT, _note(ended))
    except (BobError, ValueError) as error:
        logs.get().warning("not cleaned up", operation=ended.id, error=str(error))


def _note(ended: Operation) -> dict[str, str]:
    return {"id": ended.id, "kind": ended.kind, "target": ended.target, "state": ended.state.value}
