"""A watched operation in words. Pure: from one record, or from two that follow each other."""

from __future__ import annotations

import datetime

from bob.errors import BobError, Permanent
from bob.ops.record import Operation, StepRecord
from bob.ops.states import State, StepState
from bob.ops.watch import Sight

NOBODY = "no agent leads at the moment; it goes on as soon as one does"


def note(sight: Sight, now: float) -> str:
    """Why nothing may happen at the moment, else what the robot says; `now` is Unix time."""
    made = sight.operation
    if sight.over:
        return ""
    if sight.trouble:
        return f"Consul does not answer: {sight.trouble}"
    if not sight.leader:
        return NOBODY
    if sight.pause and sight.pause.in_force(now):
        return f"the robot is {sight.pause.sentence}. To end that: bob resume"
    if made.state is State.PAUSED:
        return f"paused. To go on: bob op resume {made.id}"
    return made.said


def lines(before: Sight | None, after: Sight, now: float) -> list[str]:
    """What changed, for an output that cannot be redrawn."""
    known = {step.name: step for step in before.operation.steps} if before else {}
    told = [
        line for step in after.operation.steps for line in _step_lines(known.get(step.name), step)
    ]
    state = after.operation.state
    if state is not State.RUNNING and (before is None or before.operation.state is not state):
        told.append(state.value)
    said = note(after, now)
    if said and (before is None or said != note(before, now)):
        told.append(f"    {said}")
    return told


def seconds(step: StepRecord, now: datetime.datetime) -> float | None:
    """How long a step took, or takes until now; None when it was not begun."""
    if step.started is None:
        return None
    return max(0.0, ((step.finished or now) - step.started).total_seconds())


def failure(operation: Operation) -> BobError | None:
    """The error with which a watch ends; None after success, also that of taking it back."""
    what = f"{operation.kind} {operation.target}"
    if operation.state is State.ABORTED:
        return BobError(f"{what} was aborted", cure=f"See bob op show {operation.id}.")
    if operation.state is not State.FAILED:
        return None
    step = next((s for s in operation.steps if s.state is StepState.FAILED), None)
    reason = f" at “{step.title}”: {step.error}" if step else f": {operation.said}"
    way = f"Put it right, then: bob op retry {operation.id}"
    if operation.abortable:
        way += f"; or take it back: bob op abort {operation.id}"
    return Permanent(f"{what} failed{reason}", cure=way + ".")


def _step_lines(before: StepRecord | None, step: StepRecord) -> list[str]:
    same = before is not None and (before.state, before.attempts) == (step.state, step.attempts)
    if same or step.state is StepState.PENDING:
        return []
    if step.state is StepState.RUNNING:
        again = f" (attempt {step.attempts})" if step.attempts > 1 else ""
        why = [f"    the last attempt: {step.error}"] if step.error else []
        return [*why, f"==> {step.title}{again}"]
    if step.state is StepState.FAILED:
        return [f"    failed: {step.title}: {step.error}"]
    if step.state is StepState.UNDONE:
        return [f"    taken back: {step.title}"]
    if not step.attempts:  # nothing had to be done
        return []
    began = [] if before and before.state is StepState.RUNNING else [f"==> {step.title}"]
    took = seconds(step, step.finished or datetime.datetime.now(datetime.UTC))
    return [*began, f"    done in {took:.1f} s" if took is not None else "    done"]
