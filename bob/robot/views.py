"""Views of the cluster that several askers may share: hundreds of operations cost few looks."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bob.ops.view import ClusterView
from bob.waiting import Clock

SHARED_SECONDS = 2.0


class Views:
    """Looks at the cluster when the last look is too old. Used by several threads."""

    def __init__(self, look: Callable[[], ClusterView], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._looking = threading.Lock()
        self._view: ClusterView | None = None
        self._began = 0.0

    def get(self, age: float = SHARED_SECONDS) -> ClusterView:
        """A view whose making began at most `age` seconds ago; 0: later than this call."""
        asked = self._clock.now()
        with self._looking:
            if self._view is None or self._began < asked - age:
                self._began = self._clock.now()
                self._view = self._look()
            return self._view
