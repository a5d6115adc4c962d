"""Carries out what `decide` says, and guards the leader's writes."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import replace

from bob import logs
from bob.clients.consul import SERF_HEALTH, Consul, KvEntry, SessionGone, Txn, TxnResult
from bob.clients.http import Unreachable
from bob.election.decide import (
    LEADER_KEY,
    Acquire,
    Action,
    Create,
    Leadership,
    Renew,
    View,
    Watch,
    decide,
    leadership,
)
from bob.election.session_file import SessionMemory
from bob.election.timing import RETRY_SECONDS, Timing
from bob.errors import BobError, LockLost
from bob.waiting import Clock, pause

SESSION_NAME = "bob leader election"


def _boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


BOOT_CLOCK = Clock(now=_boot_time)
"""Seconds since boot, those the host was suspended included: a leader that slept is not valid."""


class Elector:
    """One agent's part in the election.

    `step`, `run` and, after that, `resign` belong to one thread; the rest to any.

    `consul` is the agent of this node (the session lives and dies with this node) with a timeout of
    `timing.timeout`. It needs the rights to write sessions of the node and the leader key.
    Each part of Bob that has one leader of its own elects it by another `key`.
    """

    def __init__(
        self,
        consul: Consul,
        node: str,
        memory: SessionMemory,
        timing: Timing | None = None,
        clock: Clock = BOOT_CLOCK,
        key: str = LEADER_KEY,
    ) -> None:
        self._key = key
        self._consul = consul
        self._memory = memory
        self._timing = timing or Timing()
        self._clock = clock
        self._name = json.dumps({"node": node, "instance": uuid.uuid4().hex}).encode()
        self._view = View(session=memory.load())
        self._changing = threading.Lock()
        self._epoch = 0  # as last logged

    def run(self, stop: threading.Event) -> None:
        """Take part until `stop` is set; the last step may be a blocking read of half a minute."""
        while not stop.is_set():
            self.step()

    def step(self) -> None:
        """Do the next thing. Failures are logged and lead to another attempt a moment later."""
        action = decide(self._view, self._clock.now(), self._timing, self._name)
        try:
            self._act(action)
        except SessionGone:
            logs.get().warning("session gone", session=self._view.session)
            self._memory.save("")
            self._start_anew(View())
        except BobError as error:
            logs.get().warning("election", action=str(action), error=str(error))
            if isinstance(action, Acquire):
                self._reread()  # it may have been carried out
            pause(RETRY_SECONDS, self._clock)
        self._log_change()

    def leadership(self) -> Leadership:
        """Our leadership now. Raises `LockLost` when we do not lead or cannot be sure."""
        found = leadership(self._view, self._clock.now(), self._timing)
        if found is None:
            raise LockLost("this agent does not lead", cure="The leader goes on; read again.")
        return found

    @property
    def lock(self) -> KvEntry | None:
        """The leader key as last read: who leads, also when that is another agent."""
        return self._view.key

    def commit(self, txn: Txn) -> TxnResult:
        """Commit as leader: nothing is written unless the lock is ours at that moment.

        Raises `LockLost` when it is not, and gives up leadership until the key was read again.
        """
        held = self.leadership()
        guard = len(txn.operations)
        result = txn.check_session(self._key, held.session).commit()
        if guard in result.failed:
            self._reread()
            raise LockLost(
                f"epoch {held.epoch} is over, nothing was written: {'; '.join(result.errors)}",
                cure="The leader goes on; read again.",
            )
        return result

    def resign(self) -> None:
        """Give up lock and session at a clean stop, so that another leads without any delay."""
        view = self._view
        self._start_anew(View())
        self._memory.save("")
        if not view.session:
            return
        try:
            self._consul.kv.release(self._key, b"", view.session)
            self._consul.session.destroy(view.session)
        except Unreachable as error:  # then its time runs out by itself
            logs.get().warning("not resigned", error=str(error))

    def _act(self, action: Action) -> None:
        view, sent, timing = self._view, self._clock.now(), self._timing
        match action:
            case Create():
                session = self._consul.session.create(
                    SESSION_NAME, ttl=timing.ttl, lock_delay=timing.lock_delay, checks=[SERF_HEALTH]
                )
                self._memory.save(session)  # before it can hold the lock
                self._start_anew(replace(view, session=session, renewed=sent))
            case Renew():
                self._consul.session.renew(view.session)
                with self._changing:
                    self._view = replace(self._view, renewed=sent)
            case Acquire():
                taken = self._consul.kv.acquire(self._key, self._name, view.session)
                # The answer tells neither the epoch nor who refused us: read it.
                self._reread(0.0 if taken else RETRY_SECONDS)
            case Watch(wait):
                read = self._consul.kv.read(self._key, index=view.index, wait=wait)
                with self._changing:
                    if self._view is view:  # else a commit has found out more in the meantime
                        self._view = replace(view, key=read.value, index=read.index)

    def _reread(self, patience: float = 0.0) -> None:
        """Forget who holds the lock: we do not lead until we have read it.

        A free lock is not asked for before `patience` seconds have passed.
        """
        not_before = self._clock.now() + patience
        with self._changing:
            self._view = replace(self._view, key=None, index=0, not_before=not_before)

    def _start_anew(self, view: View) -> None:
        """Replace the view while we do not lead, so no commit can change it meanwhile."""
        with self._changing:
            self._view = view

    def _log_change(self) -> None:
        found = leadership(self._view, self._clock.now(), self._timing)
        epoch = found.epoch if found else 0
        if epoch != self._epoch:
            logs.get().info("leading" if epoch else "not leading", epoch=epoch or self._epoch)
            self._epoch = epoch
