"""Operations in Consul's KV: what the robot runs on, and what operators read and write.

bob/ops/<id>         the record of an operation that is not finished
bob/active/<scope>   the id of the operation that holds the scope; a scope may contain "/"
bob/history/<id>     the record of a finished operation; `trim` leaves the newest

Each change is one transaction, so there is no state in between to clean up. The version of a record
is its modify index.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from bob.clients.consul import Consul, KvEntry, Txn, TxnResult
from bob.clients.http import Unreachable
from bob.election import Leadership
from bob.errors import ScopeHeld
from bob.ops.record import Operation
from bob.ops.states import FINISHED
from bob.ops.store import Conflict
from bob.waiting import SYSTEM_CLOCK, Clock, Deadline, pause

OPERATIONS = "bob/ops/"
ACTIVE = "bob/active/"
HISTORY = "bob/history/"
KEPT = 200
TRIMMED_AT_ONCE = 100  # a transaction holds 128 operations
KEY = re.compile(r"[A-Za-z0-9_.,-]+(/[A-Za-z0-9_.,-]+)*")  # what every release of Consul accepts
PATIENCE_SECONDS = 10.0  # Consul's own change of leader takes 1.5 to 4 s
RETRY_SECONDS = 0.25


class Leader(Protocol):
    """What the store needs of an `Elector`."""

    def leadership(self) -> Leadership:
        """Our leadership. Raises `LockLost`."""

    def commit(self, txn: Txn) -> TxnResult:
        """Commit, provided that we still lead. Raises `LockLost`."""


class ConsulStore:
    """A `Store` in Consul.

    With `leader` every write also checks that we lead (else `LockLost`, and nothing was written)
    and carries its epoch; operators write without. `Unreachable` is raised when Consul stayed
    unusable for `PATIENCE_SECONDS`; a write may still have happened then.
    """

    def __init__(
        self,
        consul: Consul,
        leader: Leader | None = None,
        *,
        kept: int = KEPT,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._consul = consul
        self._leader = leader
        self._kept = kept
        self._clock = clock

    def create(self, operation: Operation) -> int:
        """See `Store.create`."""
        record = OPERATIONS + _checked(operation.id)
        scopes = [ACTIVE + _checked(scope) for scope in operation.scopes]
        value = self._document(operation)

        def change() -> Txn:
            txn = self._consul.txn().check_absent(HISTORY + operation.id)  # a request long late
            for scope in scopes:
                txn.cas(scope, operation.id, 0)
            return txn.cas(record, value, 0)

        version = self._settle(change, record, value)
        if version is None:
            raise self._held(operation)
        return version

    def read(self, operation_id: str) -> tuple[Operation, int]:
        """See `Store.read`."""
        if entry := find(self._consul, operation_id):
            return _parse(entry), entry.modify_index
        raise KeyError(operation_id)

    def write(self, operation: Operation, version: int) -> int:
        """See `Store.write`."""
        value = self._document(operation)
        if operation.state in FINISHED:
            written = self._settle(
                lambda: self._finish(operation, value, version), HISTORY + operation.id, value
            )
        else:
            key = OPERATIONS + operation.id
            written = self._settle(lambda: self._consul.txn().cas(key, value, version), key, value)
        if written is None:
            _, stored = self.read(operation.id)
            raise Conflict(f"operation {operation.id} is at version {stored}, not {version}")
        return written

    def active(self, scope: str) -> str | None:
        """See `Store.active`."""
        entry = self._consul.kv.get(ACTIVE + scope)
        return entry.value.decode() if entry else None

    def unfinished(self) -> list[Operation]:
        """The records that are not finished, oldest first."""
        return [_parse(entry) for entry in self._consul.kv.list(OPERATIONS)]

    def list(self) -> list[Operation]:
        """See `Store.list`."""
        entries = self._consul.kv.list(HISTORY) + self._consul.kv.list(OPERATIONS)
        found = {operation.id: operation for operation in map(_parse, entries)}
        return [found[name] for name in sorted(found)]

    def trim(self) -> int:
        """Delete all but the newest finished records; how many. For now and then, not each end."""
        finished = self._consul.kv.keys(HISTORY)
        old = finished[: max(len(finished) - self._kept, 0)]
        for first in range(0, len(old), TRIMMED_AT_ONCE):
            txn = self._consul.txn()
            for key in old[first : first + TRIMMED_AT_ONCE]:
                txn.delete(key)
            self._commit(txn)
        return len(old)

    def _held(self, operation: Operation) -> ScopeHeld:
        """The error that names who is in the way."""
        for scope in operation.scopes:
            if holder := self.active(scope):
                return ScopeHeld(
                    f"{scope} is held by operation {holder}",
                    cure=f"Wait for it (bob op watch {holder}), then try again.",
                )
        return ScopeHeld(
            f"{operation.scopes[0]} was held by an operation that has just ended", cure="Try again."
        )

    def _finish(self, operation: Operation, value: str, version: int) -> Txn:
        """Move the record into the history and free its scopes, all at once."""
        txn = self._consul.txn().check_index(OPERATIONS + operation.id, version)
        txn.delete(OPERATIONS + operation.id).set(HISTORY + operation.id, value)
        for scope in operation.scopes:
            active = self._consul.kv.get(ACTIVE + scope)
            if active and active.value.decode() == operation.id:
                txn.delete_cas(active.key, active.modify_index)
        return txn

    def _settle(self, change: Callable[[], Txn], key: str, value: str) -> int | None:
        """Commit until the outcome is known; the new version, or None when a check failed.

        After a lost answer the key tells what happened. A request that arrives late does no harm:
        it fails on the index, or it is found to have done what we ask for.
        """
        deadline = Deadline(PATIENCE_SECONDS, self._clock)
        asked = False
        while True:
            try:
                if asked and (found := self._index_of(key, value)):
                    return found
                result = self._commit(change())
                if result.ok:
                    return next(e.modify_index for e in result.entries if e.key == key)
                return self._index_of(key, value) if asked else None
            except Unreachable as error:
                asked = asked or error.sent
                if deadline.passed():
                    raise
                pause(RETRY_SECONDS, self._clock)

    def _commit(self, txn: Txn) -> TxnResult:
        return self._leader.commit(txn) if self._leader else txn.commit()

    def _index_of(self, key: str, value: str) -> int | None:
        entry = self._consul.kv.get(key, consistent=True)
        return entry.modify_index if entry and entry.value == value.encode() else None

    def _document(self, operation: Operation) -> str:
        if self._leader:
            epoch = self._leader.leadership().epoch
            operation = operation.model_copy(update={"epoch": epoch})
        return operation.model_dump_json(indent=2)


def find(consul: Consul, operation_id: str) -> KvEntry | None:
    """An operation's record, wherever it is; None when there is none."""
    for consistent in (False, True):  # seldom absent: only then the dearer question
        for folder in (OPERATIONS, HISTORY):  # it moves from the first to the second
            if entry := consul.kv.get(folder + operation_id, consistent=consistent):
                return entry
    return None


def _parse(entry: KvEntry) -> Operation:
    return Operation.model_validate_json(entry.value)


def _checked(name: str) -> str:
    if not KEY.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a key in Consul: use letters, digits and _ . , - /")
    return name
