"""How many events of ten minutes, from counters that only rise. Pure but for what it remembers."""

from __future__ import annotations

from collections.abc import Mapping

WINDOW_SECONDS = 600.0


class Recent:
    """Told the counters now and then, it knows by how much each has risen of late."""

    def __init__(self, window: float = WINDOW_SECONDS) -> None:
        self._window = window
        self._seen: dict[tuple[str, str], list[tuple[float, int]]] = {}

    def note(self, now: float, counters: Mapping[tuple[str, str], int]) -> None:
        """The counters at this moment. One that fell began anew, at nought."""
        for key, value in counters.items():
            seen = self._seen.setdefault(key, [])
            if seen and value < seen[-1][1]:
                seen.clear()
                seen.append((now, 0))
            if not seen or value != seen[-1][1]:
                seen.append((now, value))

    def risen(self, now: float) -> Mapping[tuple[str, str], int]:
        """By how much each counter has risen within the window."""
        found = {}
        for key, seen in self._seen.items():
            # The value that held when the window began is the base.
            while len(seen) > 1 and seen[1][0] < now - self._window:
                seen.pop(0)
            found[key] = seen[-1][1] - seen[0][1]
        return found
