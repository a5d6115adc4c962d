"""The threads of the daemon: each has to show progress, and the end of one is the end of all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bob import logs

Beat = Callable[[float], None]
"""`beat(seconds)`: progress was made, and more will be made within so many seconds."""


class Part:
    """A thread that runs `work(stop, beat)` until `stop` is set. `ended` is set when it is over."""

    def __init__(
        self,
        name: str,
        work: Callable[[threading.Event, Beat], None],
        stop: threading.Event,
        ended: threading.Event,
    ) -> None:
        self.name = name
        self.error: BaseException | None = None
        self._work = work
        self._stop = stop
        self._ended = ended
        self._due = float("inf")
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def alive(self) -> bool:
        """It has not ended."""
        return self._thread.is_alive()

    def stuck(self) -> bool:
        """It has not shown the progress that it promised."""
        return time.monotonic() > self._due

    def join(self, seconds: float) -> bool:
        """Wait for its end, so long at most. False when it goes on."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _beat(self, seconds: float) -> None:
        self._due = time.monotonic() + seconds

    def _run(self) -> None:
        try:
            self._work(self._stop, self._beat)
        except BaseException as error:
            self.error = error
            logs.get().exception("part ended", part=self.name)
        finally:
            self._ended.set()
