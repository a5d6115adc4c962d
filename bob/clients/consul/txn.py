"""Transactions: all operations happen, or none does."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bob.clients.consul.kv import KvEntry, parse_entry
from bob.clients.http import Http

MAX_OPERATIONS = 128  # limit of Consul since 1.14


@dataclass(frozen=True, slots=True)
class TxnOperation:
    """One operation on a key, in the words of Consul's API; None is left out."""

    verb: str
    key: str
    value: bytes | None = None
    index: int | None = None
    session: str | None = None

    def document(self) -> dict[str, Any]:
        """The operation as it is sent."""
        fields: dict[str, Any] = {"Verb": self.verb, "Key": self.key}
        if self.value is not None:
            fields["Value"] = base64.b64encode(self.value).decode()
        if self.index is not None:
            fields["Index"] = self.index
        if self.session is not None:
            fields["Session"] = self.session
        return {"KV": fields}


@dataclass(frozen=True, slots=True)
class TxnResult:
    """`ok` with the entries touched, or not `ok` with the reasons; then nothing was changed.

    `failed` are the positions of the operations that could not be done. Entries have no value.
    """

    ok: bool
    entries: tuple[KvEntry, ...] = ()
    errors: tuple[str, ...] = ()
    failed: tuple[int, ...] = ()


class Txn:
    """Collects operations; `commit` sends them as one request."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.operations: list[TxnOperation] = []

    def set(self, key: str, value: bytes | str) -> Txn:
        """Store a value, whatever is there."""
        return self._add(TxnOperation("set", key, _bytes(value)))

    def cas(self, key: str, value: bytes | str, index: int) -> Txn:
        """Store a value if the entry still has this modify_index (0: is absent)."""
        return self._add(TxnOperation("cas", key, _bytes(value), index))

    def delete(self, key: str) -> Txn:
        """Delete a key."""
        return self._add(TxnOperation("delete", key))

    def delete_cas(self, key: str, index: int) -> Txn:
        """Delete a key if it still has this modify_index."""
        return self._add(TxnOperation("delete-cas", key, index=index))

    def delete_tree(self, prefix: str) -> Txn:
        """Delete every key that begins with `prefix`."""
        return self._add(TxnOperation("delete-tree", prefix))

    def check_index(self, key: str, index: int) -> Txn:
        """Fail unless the entry has this modify_index."""
        return self._add(TxnOperation("check-index", key, index=index))

    def check_absent(self, key: str) -> Txn:
        """Fail if the key exists."""
        return self._add(TxnOperation("check-not-exists", key))

    def check_session(self, key: str, session: str) -> Txn:
        """Fail unless `session` holds the lock on `key`."""
        return self._add(TxnOperation("check-session", key, session=session))

    def commit(self) -> TxnResult:
        """Carry the operations out. Raises `ValueError` beyond 128 of them."""
        if len(self.operations) > MAX_OPERATIONS:
            raise ValueError(f"{len(self.operations)} operations, {MAX_OPERATIONS} are allowed")
        answer = self._http.request(
            "PUT",
            "/v1/txn",
            body=[operation.document() for operation in self.operations],
            accept={HTTPStatus.CONFLICT},
        )
        body = answer.json()
        errors = body.get("Errors") or ()
        return TxnResult(
            ok=answer.status == HTTPStatus.OK,
            entries=tuple(parse_entry(result["KV"]) for result in body["Results"] or ()),
            errors=tuple(error["What"] for error in errors),
            failed=tuple(error["OpIndex"] for error in errors),
        )

    def _add(self, operation: TxnOperation) -> Txn:
        self.operations.append(operation)
        return self


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value
