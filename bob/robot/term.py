"""One term of leadership: whatever was begun in it has no effect after it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from bob.clients.api import Api
from bob.clients.consul import Txn, TxnResult
from bob.election import Elector, Leadership
from bob.errors import LockLost
from bob.ops.store import Conflict
from bob.waiting import Clock

SLICE_SECONDS = 0.2  # so soon does a wait notice that it is over


class Term:
    """A `Leader` for as long as this agent leads without a break.

    Raises `LockLost` if it does not lead now. After `end` it is over for ever, also when the same
    agent leads again: a thread that was busy elsewhere meanwhile must not go on beside its
    successor.
    """

    def __init__(self, elector: Elector) -> None:
        self._elector = elector
        self._ended = False
        self.epoch = elector.leadership().epoch

    def leadership(self) -> Leadership:
        """Our leadership. Raises `LockLost`."""
        found = self._elector.leadership()
        if self._ended or found.epoch != self.epoch:
            raise LockLost(f"epoch {self.epoch} is over", cure="The leader goes on; read again.")
        return found

    def commit(self, txn: Txn) -> TxnResult:
        """Commit, provided that we still lead. Raises `LockLost`."""
        self.leadership()
        return self._elector.commit(txn)

    def end(self) -> None:
        """Nothing may be written in this term any more."""
        self._ended = True

    @property
    def over(self) -> bool:
        """Whether nothing may be written in this term now."""
        try:
            self.leadership()
        except LockLost:
            return True
        return False


class TermGuard:
    """Stops what a thread sends with the robot's rights once the term it works for is over.

    A thread that works for no term (one that a step started) may write while this agent leads.
    """

    def __init__(self, elector: Elector) -> None:
        self._elector = elector
        self._local = threading.local()

    def install(self, clients: Iterable[Api]) -> None:
        """Guard each request of these clients that may change something."""
        for client in clients:
            client.http.before_write = self.check

    def check(self) -> None:
        """Raise `LockLost` unless the calling thread may write now."""
        term: Term | None = getattr(self._local, "term", None)
        (term or self._elector).leadership()

    @contextmanager
    def working_for(self, term: Term) -> Iterator[None]:
        """The calling thread works for this term."""
        self._local.term = term
        try:
            yield
        finally:
            self._local.term = None


class Interrupt:
    """Tells a worker to stop at its next wait, or before its next step."""

    def __init__(self) -> None:
        self._reason = ""

    def set(self, reason: str) -> None:
        """Stop it; "it was paused" is a reason."""
        self._reason = reason

    @property
    def is_set(self) -> bool:
        """Whether it has to stop."""
        return bool(self._reason)

    def check(self) -> None:
        """Raise `Conflict` when it has to stop."""
        if self._reason:
            raise Conflict(f"stopped: {self._reason}")


def working_clock(clock: Clock, term: Term, interrupt: Interrupt) -> Clock:
    """A clock whose sleep ends with `LockLost` or `Conflict` when the work has to end."""

    def sleep(seconds: float) -> None:
        end = clock.now() + seconds
        while True:
            interrupt.check()
            term.leadership()
            left = end - clock.now()
            if left <= 0:
                return
            clock.sleep(min(left, SLICE_SECONDS))

    return Clock(clock.now, sleep)
