"""A Consul client over a state in memory, with a network in between that can fail.

It has the interface of `bob.clients.consul.Consul` as far as election and stores use it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import TypeVar

from fake_consul_state import ConsulState

from bob.clients.consul import (
    Catalog,
    Consul,
    Indexed,
    Kv,
    KvEntry,
    Session,
    SessionGone,
    SessionInfo,
    Txn,
    TxnResult,
)
from bob.clients.consul.kv import WAIT_SECONDS, next_index
from bob.clients.consul.txn import MAX_OPERATIONS
from bob.clients.http import Unreachable

T = TypeVar("T")
STEP = 0.05  # seconds between two looks of a blocking read


class Fault(enum.Enum):
    """What the network does to one request."""

    UNREACHABLE = "not sent"
    REQUEST_LOST = "sent, but it never arrived"
    ANSWER_LOST = "carried out, but the answer is lost"
    LATE = "carried out only after the client gave up"


class Line:
    """The network between a client and the servers; simulations override its methods."""

    late = 3.0  # seconds until a late request arrives

    def __init__(self, state: ConsulState) -> None:
        self.state = state
        self.faults: list[Fault] = []

    def fault(self) -> Fault | None:
        """What happens to the request that is about to be sent."""
        return self.faults.pop(0) if self.faults else None

    def answered(self) -> None:
        """The servers have answered, the client has not yet read it."""

    def block(self, seconds: float) -> bool:
        """Let a blocking read wait; False ends it early, as servers may."""
        self.state.clock.advance(min(seconds, STEP))
        return True

    def call(self, action: Callable[[], T]) -> T:
        fault = self.fault()
        if fault is Fault.UNREACHABLE:
            raise Unreachable("connection refused", sent=False)
        if fault is Fault.REQUEST_LOST:
            raise Unreachable("no answer in time", sent=True)
        if fault is Fault.LATE:
            self.state.clock.later(self.late, lambda: _ignoring(action))
            raise Unreachable("no answer in time", sent=True)
        if fault is Fault.ANSWER_LOST:
            _ignoring(action)
            self.answered()
            raise Unreachable("no answer in time", sent=True)
        try:
            return action()
        finally:
            self.answered()


class FakeConsul(Consul):
    """A client on `node`; several share one state."""

    def __init__(self, state: ConsulState, node: str = "n1", line: Line | None = None) -> None:
        self.line = line or Line(state)
        self.kv = FakeKv(self.line)
        self.session = FakeSession(self.line, node)
        self.catalog = FakeCatalog(self.line)

    def txn(self) -> Txn:
        return FakeTxn(self.line)


class FakeKv(Kv):
    def __init__(self, line: Line) -> None:
        self._line = line
        self._state = line.state

    def read(
        self, key: str, *, index: int = 0, wait: float = WAIT_SECONDS, consistent: bool = False
    ) -> Indexed[KvEntry | None]:
        def look() -> Indexed[KvEntry | None]:
            self._block(lambda: self._state.place(key), index, wait)
            place = self._state.place(key)
            return Indexed(self._state.entries.get(key), next_index(index, place))

        return self._line.call(look)

    def read_all(
        self, prefix: str, *, index: int = 0, wait: float = WAIT_SECONDS
    ) -> Indexed[tuple[KvEntry, ...]]:
        def look() -> Indexed[tuple[KvEntry, ...]]:
            self._block(lambda: self._state.place_below(prefix), index, wait)
            place = self._state.place_below(prefix)
            return Indexed(tuple(self._below(prefix)), next_index(index, place))

        return self._line.call(look)

    def keys(self, prefix: str) -> tuple[str, ...]:
        return self._line.call(lambda: tuple(entry.key for entry in self._below(prefix)))

    def put(self, key: str, value: bytes | str, *, cas: int | None = None, flags: int = 0) -> bool:
        data = _bytes(value)
        if cas is None:
            return self._line.call(lambda: bool(self._state.put(key, data, flags)))
        return self._line.call(lambda: bool(self._state.cas(key, data, cas, flags)))

    def delete(self, key: str, *, cas: int | None = None, recurse: bool = False) -> bool:
        def act() -> bool:
            if cas is not None:
                return self._state.delete_cas(key, cas)
            for each in [entry.key for entry in self._below(key)] if recurse else [key]:
                self._state.delete(each)
            return True

        return self._line.call(act)

    def acquire(self, key: str, value: bytes | str, session: str) -> bool:
        return self._line.call(lambda: self._state.acquire(key, _bytes(value), session))

    def release(self, key: str, value: bytes | str, session: str) -> bool:
        return self._line.call(lambda: self._state.release(key, _bytes(value), session))

    def _below(self, prefix: str) -> list[KvEntry]:
        self._state.expire()
        return [e for key, e in sorted(self._state.entries.items()) if key.startswith(prefix)]

    def _block(self, place: Callable[[], int], index: int, wait: float) -> None:
        if not index:
            return
        end = self._state.clock.now() + wait
        while place() <= index and (left := end - self._state.clock.now()) > 0:
            if not self._line.block(left):
                return


class FakeSession(Session):
    def __init__(self, line: Line, node: str) -> None:
        self._line = line
        self._node = node

    def create(
        self, name: str, *, ttl: float, lock_delay: float, checks: Sequence[str] = ()
    ) -> str:
        wish = SessionInfo("", name, self._node, ttl, lock_delay, "release", tuple(checks))
        return self._line.call(lambda: self._line.state.create_session(wish))

    def renew(self, session: str) -> None:
        self._line.call(lambda: self._line.state.renew(session))

    def destroy(self, session: str) -> None:
        self._line.call(lambda: self._line.state.end_session(session))

    def info(self, session: str) -> SessionInfo | None:
        def look() -> SessionInfo | None:
            self._line.state.expire()
            held = self._line.state.sessions.get(session)
            return held.info if held else None

        return self._line.call(look)


class FakeCatalog(Catalog):
    """Knows which nodes gossip calls failed, and nothing else."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def failed_nodes(
        self, *, index: int = 0, wait: float = WAIT_SECONDS
    ) -> Indexed[frozenset[str]]:
        state = self._line.state

        def look() -> Indexed[frozenset[str]]:
            end = state.clock.now() + wait
            while index and state.failures < index and (left := end - state.clock.now()) > 0:
                if not self._line.block(left):
                    break
            return Indexed(frozenset(state.failed), state.failures + 1)

        return self._line.call(look)


class FakeTxn(Txn):
    def __init__(self, line: Line) -> None:
        self._line = line
        self.operations = []

    def commit(self) -> TxnResult:
        if len(self.operations) > MAX_OPERATIONS:
            raise ValueError(f"{len(self.operations)} operations, {MAX_OPERATIONS} are allowed")
        operations = tuple(self.operations)
        return self._line.call(lambda: self._line.state.commit(operations))


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _ignoring(action: Callable[[], object]) -> None:
    """Carry out what nobody waits for any more."""
    try:
        action()
    except SessionGone:
        return
