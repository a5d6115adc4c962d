"""Waiting until Nomad has a host for each instance of a job that is about to be registered."""

from __future__ import annotations

from collections.abc import Callable

from bob.errors import PreflightRefused
from bob.ops.deploy.changes import unplaced
from bob.ops.services.jobs import Draft
from bob.waiting import Deadline, pause

PLACE_SECONDS = 60.0  # Nomad looks every 30 s for what a host did not have at first
LOOK_SECONDS = 1.0


def placed(
    name: str, make: Callable[[], Draft], deadline: Deadline, say: Callable[[str], None]
) -> Draft:
    """A draft of `make` that changes nothing or has a host for each instance.

    Nomad knows a host that has just come back, but not yet all that it has. Raises
    `PreflightRefused` when there is no place after `PLACE_SECONDS` either.
    """
    limit = Deadline(min(PLACE_SECONDS, deadline.left()), deadline.clock)
    while True:
        made = make()
        reasons = unplaced(made.plan) if made.plan.changes else ()
        if not reasons:
            return made
        if limit.passed():
            raise PreflightRefused(
                f"{name}: the cluster has no place for it; its job was not changed:\n  "
                + "\n  ".join(reasons),
                cure="Add nodes, or bring back those that are down (bob status).",
            )
        say(f"waiting for a place: {reasons[0]}")
        pause(LOOK_SECONDS, deadline.clock)
