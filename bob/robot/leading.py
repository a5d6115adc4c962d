"""One term of the leader: look at the operations, decide, start and stop workers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from math import inf

from bob import logs
from bob.clients.consul import Indexed, KvEntry
from bob.errors import BobError
from bob.pause import PAUSE_KEY, Pause, parse_pause
from bob.robot.attending import Attendant
from bob.robot.board import ENDS, Board, Figures
from bob.robot.decide import RESTART_SECONDS, Ended, Look, Mode, decide, outdated
from bob.robot.duty import Duty
from bob.robot.housekeeping import SECONDS as HOUSE_SECONDS
from bob.robot.housekeeping import keep_house
from bob.robot.performing import Job, Means
from bob.robot.records import Reader, Records
from bob.robot.term import TermGuard
from bob.robot.watching import Watch
from bob.robot.workers import Workers

TICK_SECONDS = 0.2  # between two looks at our own leadership and the end of a pause
ATTEND_SECONDS = 0.5
WHOLE = "cluster"  # the scope of work on the whole cluster


class Leading:
    """Leads for one term. `wake` is set by whoever has news for it."""

    def __init__(
        self,
        means: Means,
        workers: Workers,
        guard: TermGuard,
        duties: Sequence[Duty],
        figures: Figures,
        wake: threading.Event,
    ) -> None:
        self._means = means
        self._term = means.term
        self._clock = means.clock
        self._workers = workers
        self._guard = guard
        self._figures = figures
        self._wake = wake
        self.board = Board(epoch=means.term.epoch)
        self._attendant = Attendant(duties, means, figures, self.board.remarks)
        kv = means.consul.kv
        self._operations: Watch[Records] = Watch(
            Reader(means.consul, means.clock).read, wake.set, means.clock
        )

        def read_pause(index: int) -> Indexed[KvEntry | None]:
            return kv.read(PAUSE_KEY, index=index)

        self._pauses: Watch[KvEntry | None] = Watch(read_pause, wake.set, means.clock)
        catalog = means.consul.catalog

        def read_failed(index: int) -> Indexed[frozenset[str]]:
            return catalog.failed_nodes(index=index)

        self._alarm = threading.Event()
        self._failed: Watch[frozenset[str]] = Watch(read_failed, self._alarm.set, means.clock)
        self._ended: dict[str, Ended] = {}
        self._queue: deque[tuple[str, Mode]] = deque()
        self._judged: tuple[object, bool] = (None, False)
        self._again = inf
        self._over = False

    @property
    def answered(self) -> float:
        """When Consul last told of the operations (seconds of the clock)."""
        return self._operations.at

    def run(self, stop: threading.Event) -> None:
        """Lead until `stop`, or until we do not lead. Jobs may still be ending then."""
        self._operations.start()
        self._pauses.start()
        self._failed.start()
        threading.Thread(target=self._attend, name="duties", daemon=True).start()
        try:
            with self._guard.working_for(self._term):
                while not stop.is_set() and not self._term.over:
                    self.cycle()
                    self._wake.wait(TICK_SECONDS)
                    self._wake.clear()
        finally:
            self._over = True
            self._operations.stop()
            self._pauses.stop()
            self._failed.stop()
            self._workers.interrupt_all("this agent gives up the lead")

    def cycle(self) -> None:
        """Take note of what ended, judge when something is new, start what may begin."""
        self._collect()
        records, paused = self._operations.latest, self._paused()
        trouble = self._operations.trouble or self._pauses.trouble
        self.board.trouble = f"Consul does not answer: {trouble}" if trouble else ""
        if records is None or paused is None:
            return
        now = self._clock.now()
        if self._judged != (records, paused) or now >= self._again:
            self._judge(records, paused, now)
        while self._queue and self._workers.free > 0:
            self._start(*self._queue.popleft())
        self.board.working = [
            (job.ledger.operation, job.ledger.said)
            for job in self._workers.jobs
            if job.ledger.operation
        ]

    def _judge(self, records: Indexed[Records], paused: bool, now: float) -> None:
        began = time.perf_counter()
        self._judged = (records, paused)
        self.board.records = records.value
        present = (seen.operation.id for seen in records.value)
        for name in outdated(self._ended, records.index, present):
            del self._ended[name]
        plan = decide(Look(records.value, self._workers.modes, self._ended, paused), now)
        self._queue, self._again = deque(plan.start), plan.again
        for name in plan.interrupt:
            self._workers.interrupt(name, "the robot is paused" if paused else "it was changed")
        self._figures.cycled(time.perf_counter() - began)

    def _start(self, name: str, mode: Mode) -> None:
        if name not in self._workers.modes:
            self._figures.started += 1
            job = Job(name, mode, self._means)
            self._workers.start(job, self._guard.working_for(self._term))

    def _collect(self) -> None:
        now = self._clock.now()
        for job in self._workers.collect():
            self._ended[job.operation] = Ended(job.ledger.version, now)
            # It may not be finished: what was interrupted has something else to do at once.
            delay = 0.0 if job.interrupt.is_set else RESTART_SECONDS
            self._again = min(self._again, now + delay)
            last = job.ledger.operation
            if last and WHOLE in last.scopes:  # it may have changed the tokens
                self._means.nomad.forget()
            if last and last.state in ENDS:
                self._figures.ended[last.state.value] += 1

    def _paused(self) -> bool | None:
        """Whether the robot rests; None when that is not known yet. Removes what is over."""
        found = self._pauses.latest
        if found is None:
            return None
        entry = found.value
        pause: Pause | None = parse_pause(entry.value) if entry else None
        if pause and entry and not pause.in_force(time.time()):
            self._end_pause(entry)
            pause = None
        self.board.pause = pause
        return pause is not None

    def _end_pause(self, entry: KvEntry) -> None:
        try:
            self._term.commit(self._means.consul.txn().delete_cas(entry.key, entry.modify_index))
        except BobError as error:  # tried again at the next look
            logs.get().warning("pause not removed", error=str(error))

    def _attend(self) -> None:
        """The thread of the duties: whatever happens, it goes on to the end of the term."""
        keep_house_at, attend_at = self._clock.now(), -inf
        with self._guard.working_for(self._term):
            while not self._over:
                self._alarm.wait(ATTEND_SECONDS)
                now = self._clock.now()
                if self._over or self._term.over or self._paused_or_unknown:
                    self._clock.sleep(ATTEND_SECONDS)
                    continue
                try:
                    if self._alarm.is_set():  # a host has failed, or is back
                        self._alarm.clear()
                        self._attendant.hurry()
                        attend_at = now
                    if now >= attend_at:
                        attend_at = self._attendant.attend()
                    if now >= keep_house_at:
                        keep_house_at = now + HOUSE_SECONDS
                        keep_house(self._means.consul, self._term)
                except BobError as error:
                    logs.get().warning("duties", error=str(error))
                except Exception as error:
                    logs.get().error("BUG", error=repr(error), exc_info=True)

    @property
    def _paused_or_unknown(self) -> bool:
        return self._pauses.latest is None or self.board.pause is not None
