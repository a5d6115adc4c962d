"""A wish is judged once more before it begins: the cluster has changed since it was recorded."""

from __future__ import annotations

from collections.abc import Callable

from bob.errors import GuardRefused
from bob.waiting import Clock, Deadline, pause

GUARD_SECONDS = 30.0  # elections and restarts of a server take 4 to 15 s
LOOK_SECONDS = 2.0


def outlast(judge: Callable[[], None], say: Callable[[str], None], clock: Clock) -> None:
    """Judge until no guard refuses, for `GUARD_SECONDS` at most; `say` tells what is waited for.

    No guard refused a moment ago, when it was wished. What does so now may pass: a busy server is
    not sound for some seconds. Raises what `judge` raises, `GuardRefused` when that stays.
    """
    deadline = Deadline(GUARD_SECONDS, clock)
    while True:
        try:
            return judge()
        except GuardRefused as error:
            if deadline.passed():
                raise
            say(f"waits: {error.message}")
        pause(LOOK_SECONDS, clock)
