"""Time that passes only when it is told to."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class SimClock:
    """Seconds; `later` puts an event into the future, `advance` lets it happen."""

    def __init__(self) -> None:
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def later(self, delay: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._events, (self._now + delay, next(self._order), action))

    def advance(self, seconds: float) -> None:
        """Also serves as `sleep`."""
        end = self._now + seconds
        while self._events and self._events[0][0] <= end:
            moment, _, action = heapq.heappop(self._events)
            self._now = max(self._now, moment)
            action()
        self._now = max(self._now, end)
