"""Follows a part of the KV by blocking reads, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from bob import logs
from bob.clients.consul import Indexed
from bob.errors import BobError
from bob.waiting import Clock

T = TypeVar("T")
PAUSE_SECONDS = 0.1  # between two reads: a burst of writes becomes one look
QUIET_SECONDS = 0.5  # when a read told nothing new: an absent key wakes up at every write of the KV
SHARE = 20  # reading takes at most 1/20 of a core, however much there is to read
RETRY_SECONDS = 0.5


class Watch(Generic[T]):
    """Keeps `latest` up to date until `stop`; `wake` is called when it has changed.

    `read` is a blocking read that takes an index. `trouble` says why nothing can be read, "" when
    something can. `at` is when Consul last answered.
    """

    def __init__(
        self, read: Callable[[int], Indexed[T]], wake: Callable[[], None], clock: Clock
    ) -> None:
        self._read = read
        self._wake = wake
        self._clock = clock
        self._over = False
        self.latest: Indexed[T] | None = None
        self.at = clock.now()
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Tell nothing any more. A read under way may take another half minute, unheard."""
        self._over = True

    def _run(self) -> None:
        index = 0
        while not self._over:
            used = time.thread_time()
            try:
                found = self._read(index)
            except BobError as error:
                index = 0
                self._tell_trouble(str(error))
                self._clock.sleep(RETRY_SECONDS)
                continue
            if self._over:
                return
            before, index = self.latest, found.index
            changed = before is None or found.value != before.value or self.trouble != ""
            self.latest, self.at, self.trouble = found, self._clock.now(), ""
            if changed:
                self._wake()
            cost = time.thread_time() - used
            self._clock.sleep(max(PAUSE_SECONDS if changed else QUIET_SECONDS, cost * SHARE))

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self.trouble:
            logs.get().warning("not read", error=trouble)
            self.trouble = trouble
            self._wake()
