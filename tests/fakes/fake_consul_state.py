"""What the servers of a Consul datacenter hold, in memory: keys, locks, sessions, lock delays.

It follows `agent/consul/state/{kvs,session,txn}.go` of Consul 1.22; the contract tests hold it
against a real agent.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

from sim_clock import SimClock

from bob.clients.consul import KvEntry, SessionGone, SessionInfo, TxnOperation, TxnResult


@dataclass(slots=True)
class HeldSession:
    info: SessionInfo
    expires: float


class Failed(Exception):
    """An operation of a transaction cannot be done."""


class ConsulState:
    """`expiry` is when a session ends, in TTLs after its renewal: Consul promises 1 to 2."""

    def __init__(self, clock: SimClock, expiry: float = 2.0) -> None:
        self.clock = clock
        self.expiry = expiry
        self.index = 10
        self.entries: dict[str, KvEntry] = {}
        self.sessions: dict[str, HeldSession] = {}
        self.failed: set[str] = set()
        self.failures = 0
        self._graves: dict[str, int] = {}
        self._delays: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._in_transaction = False

    # Reading

    def place(self, key: str) -> int:
        """The index of a key: its own, or that of the whole store while it is absent."""
        self.expire()
        found = self.entries.get(key)
        return found.modify_index if found else self._latest("")

    def place_below(self, prefix: str) -> int:
        self.expire()
        return self._latest(prefix) or self._latest("")

    def _latest(self, prefix: str) -> int:
        indexes = [e.modify_index for k, e in self.entries.items() if k.startswith(prefix)]
        indexes += [index for key, index in self._graves.items() if key.startswith(prefix)]
        return max(indexes, default=0)

    # Sessions

    def create_session(self, info: SessionInfo) -> str:
        self.expire()
        made = replace(info, id=f"00000000-0000-0000-0000-{next(self._numbers):012}")
        self.sessions[made.id] = HeldSession(made, self.clock.now() + made.ttl * self.expiry)
        self._tick()
        return made.id

    def renew(self, session: str) -> None:
        self.expire()
        if session not in self.sessions:
            raise SessionGone(session)
        held = self.sessions[session]
        held.expires = self.clock.now() + held.info.ttl * self.expiry

    def end_session(self, session: str, moment: float | None = None) -> None:
        """Destroyed or invalidated: its locks are freed, and their delays begin."""
        held = self.sessions.pop(session, None)
        if held is None:
            return
        self._tick()
        for key, entry in self.entries.items():
            if entry.session == session:
                self.entries[key] = replace(entry, session="", modify_index=self.index)
                began = self.clock.now() if moment is None else moment
                self._delays[key] = began + held.info.lock_delay

    def end_sessions_of(self, node: str) -> None:
        """The node's serfHealth became critical."""
        self.failed.add(node)
        self.failures += 1
        for session, held in list(self.sessions.items()):
            if held.info.node == node and "serfHealth" in held.info.checks:
                self.end_session(session)

    def expire(self) -> None:
        now = self.clock.now()
        for session, held in list(self.sessions.items()):
            if held.expires <= now:
                self.end_session(session, held.expires)

    # Writing

    def put(self, key: str, value: bytes, flags: int = 0) -> KvEntry:
        self.expire()
        old = self.entries.get(key)
        # A plain write keeps the lock and forgets the count of its holders.
        return self._write(key, value, flags, old.session if old else "", 0)

    def cas(self, key: str, value: bytes, index: int, flags: int = 0) -> KvEntry | None:
        return self.put(key, value, flags) if self._is_at(key, index) else None

    def delete(self, key: str) -> None:
        self.expire()
        if self.entries.pop(key, None):
            self._tick()
            self._graves[key] = self.index

    def delete_cas(self, key: str, index: int) -> bool:
        """A missing key counts as deleted."""
        found = self.entries.get(key)
        if found and found.modify_index != index:
            return False
        self.delete(key)
        return True

    def acquire(self, key: str, value: bytes, session: str) -> bool:
        self.expire()
        if self._delays.get(key, 0.0) > self.clock.now():
            return False
        if session not in self.sessions:
            raise SessionGone(session)
        old = self.entries.get(key)
        if old and old.session not in ("", session):
            return False
        holders = old.lock_index if old else 0
        if not old or old.session != session:
            holders += 1
        self._write(key, value, 0, session, holders)
        return True

    def release(self, key: str, value: bytes, session: str) -> bool:
        self.expire()
        old = self.entries.get(key)
        if not old or old.session != session:
            return False
        self._tick()
        self.entries[key] = replace(old, value=value, session="", modify_index=self.index)
        return True

    def commit(self, operations: Sequence[TxnOperation]) -> TxnResult:
        self.expire()
        trial = copy(self)
        trial._tick()
        trial._in_transaction = True
        trial.entries, trial._graves = dict(self.entries), dict(self._graves)
        touched: list[KvEntry] = []
        errors: list[str] = []
        failed: list[int] = []
        for position, operation in enumerate(operations):
            try:
                entry = trial._apply(operation)
            except Failed as error:
                errors.append(str(error))
                failed.append(position)
                continue
            if entry:
                touched.append(replace(entry, value=b""))
        if errors:
            return TxnResult(ok=False, errors=tuple(errors), failed=tuple(failed))
        self.entries, self._graves, self.index = trial.entries, trial._graves, trial.index
        return TxnResult(ok=True, entries=tuple(touched))

    def _apply(self, operation: TxnOperation) -> KvEntry | None:
        key, index, found = operation.key, operation.index or 0, self.entries.get(operation.key)
        match operation.verb:
            case "set":
                return self.put(key, operation.value or b"")
            case "cas":
                if entry := self.cas(key, operation.value or b"", index):
                    return entry
                raise Failed(f'failed to set key "{key}", index is stale')
            case "delete":
                self.delete(key)
                return None
            case "delete-cas":
                if self.delete_cas(key, index):
                    return None
                raise Failed(f'failed to delete key "{key}", index is stale')
            case "delete-tree":
                for each in [each for each in self.entries if each.startswith(key)]:
                    self.delete(each)
                return None
            case "check-index" if found and found.modify_index == index:
                return found
            case "check-session" if found and found.session == operation.session:
                return found
            case "check-not-exists" if not found:
                return None
        raise Failed(f'{operation.verb} failed for key "{key}"')

    def _tick(self) -> None:
        """A transaction happens at one index."""
        self.index += not self._in_transaction

    def _is_at(self, key: str, index: int) -> bool:
        found = self.entries.get(key)
        return found.modify_index == index if found else index == 0

    def _write(self, key: str, value: bytes, flags: int, session: str, holders: int) -> KvEntry:
        """An unchanged entry keeps its index."""
        self._tick()
        old = self.entries.get(key)
        created = old.create_index if old else self.index
        new = KvEntry(key, value, flags, created, self.index, holders, session)
        if old and replace(old, modify_index=self.index) == new:
            return old
        self.entries[key] = new
        self._graves.pop(key, None)
        return new
