"""Deadlines, and the only place where Bob sleeps.

Every wait of the product goes through `wait_for` or carries a `Deadline`, so nothing waits for ever
and tests can replace the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bob.errors import DeadlinePassed

T = TypeVar("T")


@dataclass(frozen=True)
class Clock:
    """Seconds of a monotonic clock and a way to let them pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


class Deadline:
    """A point in monotonic time, `seconds` from now."""

    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.seconds = seconds
        self.clock = clock
        self._end = clock.now() + seconds

    def left(self) -> float:
        """Seconds that remain, never negative."""
        return max(0.0, self._end - self.clock.now())

    def passed(self) -> bool:
        """True when no time remains."""
        return self.left() == 0.0


def pause(seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
    """Let `seconds` pass: for back-off between attempts, never instead of a condition."""
    clock.sleep(seconds)


def wait_for(
    condition: Callable[[], T | None],
    *,
    what: str,
    deadline: Deadline | float,
    interval: float = 0.1,
    cure: str = "",
) -> T:
    """Call `condition` until it returns something true, and return that.

    `what` completes the sentence "… did not happen: <what>". Raises `DeadlinePassed` when the
    deadline (an object, or seconds from now) passes. The condition is always tried at least once
    and once more after the deadline, so a slow condition is not cut off just before it holds.
    """
    limit = deadline if isinstance(deadline, Deadline) else Deadline(deadline)
    while True:
        last = limit.passed()
        value = condition()
        if value:
            return value
        if last:
            raise DeadlinePassed(f"not reached within {limit.seconds:.0f} s: {what}", cure=cure)
        limit.clock.sleep(min(interval, max(limit.left(), 0.001)))
