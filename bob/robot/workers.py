"""Threads that carry operations out, at most so many at once, kept for the next ones."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from bob.robot.decide import WORKERS, Mode
from bob.robot.performing import Job
from bob.waiting import Clock

IDLE_SECONDS = 30.0  # after that a thread without work ends


class Workers:
    """Starts and interrupts jobs. One thread uses it; `on_end` is called by the others.

    It outlives a term: a job that does not end at once still counts, so that nobody works on its
    operation beside it.
    """

    def __init__(self, on_end: Callable[[], None], limit: int = WORKERS) -> None:
        self._on_end = on_end
        self._limit = limit
        self._jobs: dict[str, Job] = {}
        self._work: queue.SimpleQueue[tuple[Job, AbstractContextManager[None]]] = (
            queue.SimpleQueue()
        )
        self._ended: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._changing = threading.Lock()
        self._idle = 0

    @property
    def modes(self) -> dict[str, Mode]:
        """What is at work, by operation."""
        return {name: job.mode for name, job in self._jobs.items()}

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What is at work, oldest operation first. For any thread."""
        return tuple(job for _, job in sorted(self._jobs.copy().items()))

    @property
    def free(self) -> int:
        """How many more may be started."""
        return self._limit - len(self._jobs)

    def start(self, job: Job, surrounding: AbstractContextManager[None]) -> None:
        """Carry a job out on a thread, inside of `surrounding`."""
        self._jobs[job.operation] = job
        with self._changing:
            new = self._idle == 0
            self._idle -= not new
        self._work.put((job, surrounding))
        if new:
            threading.Thread(target=self._serve, name="worker", daemon=True).start()

    def interrupt(self, operation: str, reason: str) -> None:
        """Stop a job at its next wait, or before its next step."""
        self._jobs[operation].interrupt.set(reason)

    def interrupt_all(self, reason: str) -> None:
        """Stop every job."""
        for job in self._jobs.values():
            job.interrupt.set(reason)

    def collect(self) -> list[Job]:
        """The jobs that ended since the last call."""
        found: list[Job] = []
        while not self._ended.empty():
            job = self._ended.get()
            del self._jobs[job.operation]
            found.append(job)
        return found

    def drain(self, seconds: float, clock: Clock) -> bool:
        """Wait for all jobs to end; False when some have not within `seconds`."""
        end = clock.now() + seconds
        while self._jobs and clock.now() < end:
            self.collect()
            clock.sleep(0.02)
        return not self._jobs

    def _serve(self) -> None:
        while True:
            try:
                job, surrounding = self._work.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._changing:
                    if self._idle == 0:  # work for us is on its way
                        continue
                    self._idle -= 1
                    return
            with surrounding:
                job.perform()
            with self._changing:
                self._idle += 1
            self._ended.put(job)
            self._on_end()
