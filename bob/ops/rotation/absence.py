"""Nobody is locked out: a node that is away while keys are replaced is waited for.

It comes back with what it had. When that is of no use any more, it reaches nobody that could give
it the new ones. Whoever was away when the operation was recorded had to be accepted by name.
"""

from __future__ import annotations

from bob.ops.context import OperationContext
from bob.ops.servers.step import LOOK_SECONDS
from bob.ops.view import ClusterView
from bob.waiting import Deadline, wait_for

ABSENT_NODES = "absent-nodes"
RETURN_SECONDS = 900.0  # big hosts take ten minutes to boot
CURE = "Bring it back, then: bob op retry. Or: bob op abort; old and new keys are good then."


def absent(view: ClusterView) -> list[str]:
    """The nodes that are not alive on every network."""
    networks = view.cluster.network_names()
    return [
        name for name in view.wishes if not all(view.alive(name, network) for network in networks)
    ]


def accepted(context: OperationContext) -> bool:
    """Whoever is away is left behind."""
    return ABSENT_NODES in context.operation.accepted


def lacking(context: OperationContext) -> str:
    """Who would be locked out now; "" when nobody."""
    away = [] if accepted(context) else absent(context.view())
    return f"{', '.join(away)} not there: it would be locked out" if away else ""


def await_everybody(context: OperationContext, deadline: Deadline) -> None:
    """Wait until nobody would be locked out. Raises `DeadlinePassed`."""

    def complete() -> bool:
        reason = lacking(context)
        if reason:
            context.say(f"waiting: {reason}")
        return not reason

    wait_for(complete, what="every node there", deadline=deadline, interval=LOOK_SECONDS, cure=CURE)
