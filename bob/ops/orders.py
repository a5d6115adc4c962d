"""What an operator may tell a recorded operation: pause, resume, retry, abort.

An order changes nothing but the state in the record, by compare-and-set. The leader sees that at
its next write or wait, and does what the state says.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from bob.errors import BobError, GuardRefused, UsageError
from bob.ops.record import Operation
from bob.ops.states import FINISHED, State, StepState
from bob.ops.store import Conflict, Store

LAST = "last"
ATTEMPTS = 10  # a leader at work writes a few times in a second at most


class Order(enum.StrEnum):
    """What an operator wants of an operation."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    ABORT = "abort"


LEADS_TO = {
    Order.PAUSE: State.PAUSED,
    Order.RESUME: State.RUNNING,
    Order.RETRY: State.RUNNING,
    Order.ABORT: State.ABORTING,
}
FROM = {
    Order.PAUSE: frozenset({State.PENDING, State.RUNNING}),
    Order.RESUME: frozenset({State.PAUSED}),
    Order.RETRY: frozenset({State.FAILED}),
    Order.ABORT: frozenset({State.PENDING, State.RUNNING, State.PAUSED, State.FAILED}),
}
DONE_ALREADY = {
    Order.PAUSE: frozenset({State.PAUSED}),
    Order.RESUME: frozenset({State.PENDING, State.RUNNING}),
    Order.RETRY: frozenset({State.PENDING, State.RUNNING}),
    Order.ABORT: frozenset({State.ABORTING, State.ABORTED}),
}


def ordered(operation: Operation, order: Order) -> Operation:
    """The operation as the order leaves it; the same one when it is so already.

    Raises `UsageError` when the order makes no sense in its state, `GuardRefused` for an abort
    after the point of no return.
    """
    if operation.state in DONE_ALREADY[order]:
        return operation
    if operation.state not in FROM[order]:
        raise _senseless(operation, order)
    if order is Order.ABORT and not operation.abortable:
        step = next(s for s in operation.steps if s.final and s.state is not StepState.PENDING)
        raise GuardRefused(
            f"{_name(operation)} cannot be aborted: it is past the point of no return "
            f"(“{step.title}” has begun)",
            cure=_forward(operation),
        )
    return operation.with_state(LEADS_TO[order])


def give(store: Store, operation_id: str, order: Order) -> tuple[Operation, bool]:
    """Change the record; the record now, and whether it was changed. Raises like `ordered`."""
    for _ in range(ATTEMPTS):
        operation, version = store.read(operation_id)
        changed = ordered(operation, order)
        if changed is operation:
            return operation, False
        try:
            store.write(changed, version)
        except Conflict:  # the leader wrote in between
            continue
        return changed, True
    raise Conflict(f"operation {operation_id} changes faster than it can be told to {order}")


def find(operations: Sequence[Operation], text: str) -> Operation:
    """The operation with this id, beginning or unique end of an id, or `last`.

    Raises `UsageError` when there is none or several.
    """
    if text == LAST and operations:
        return max(operations, key=lambda operation: operation.id)
    word = text.upper()
    found = [o for o in operations if o.id == word]
    found = found or [o for o in operations if o.id.startswith(word) or o.id.endswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{o.id} ({o.kind} {o.target})" for o in found[:5])
        raise UsageError(f"{text} may mean {len(found)} operations: {ids}", cure="Give more of it.")
    raise UsageError(f"there is no operation {text}", cure="Those that are known: bob op ls --all")


def _senseless(operation: Operation, order: Order) -> BobError:
    return UsageError(
        f"{_name(operation)} is {operation.state}, so there is nothing to {order}",
        cure=_forward(operation),
    )


def _forward(operation: Operation) -> str:
    """What can be done with the operation instead."""
    if operation.state is State.FAILED:
        return f"It goes on with: bob op retry {operation.id}"
    if operation.state is State.PAUSED:
        return f"It goes on with: bob op resume {operation.id}"
    if operation.state in FINISHED:
        return f"See what it did: bob op show {operation.id}"
    return f"Look on with: bob op watch {operation.id}"


def _name(operation: Operation) -> str:
    return f"{operation.kind} {operation.target} ({operation.id})"
