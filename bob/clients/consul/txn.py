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
class TxnResult:
    """`ok` with the entries written, or not `ok` with the reasons; then nothing was changed."""

    ok: bool
    entries: tuple[KvEntry, ...]
    errors: tuple[str, ...]


class Txn:
    """Collects operations; `commit` sends them as one request."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._operations: list[dict[str, Any]] = []

    def set(self, key: str, value: bytes | str) -> Txn:
        """Store a value, whatever is there."""
        return self._add("set", key, value)

    def cas(self, key: str, value: bytes | str, index: int) -> Txn:
        """Store a value if the entry still has this modify_index (0: is absent)."""
        return self._add("cas", key, value, Index=index)

    def delete(self, key: str) -> Txn:
        """Delete a key."""
        return self._add("delete", key)

    def delete_cas(self, key: str, index: int) -> Txn:
        """Delete a key if it still has this modify_index."""
        return self._add("delete-cas", key, Index=index)

    def check_index(self, key: str, index: int) -> Txn:
        """Fail unless the entry has this modify_index."""
        return self._add("check-index", key, Index=index)

    def check_absent(self, key: str) -> Txn:
        """Fail if the key exists."""
        return self._add("check-not-exists", key)

    def check_session(self, key: str, session: str) -> Txn:
        """Fail unless `session` holds the lock on `key`."""
        return self._add("check-session", key, Session=session)

    def commit(self) -> TxnResult:
        """Carry the operations out. Raises `ValueError` beyond 128 of them."""
        if len(self._operations) > MAX_OPERATIONS:
            raise ValueError(f"{len(self._operations)} operations, {MAX_OPERATIONS} are allowed")
        answer = self._http.request(
            "PUT", "/v1/txn", body=self._operations, accept={HTTPStatus.CONFLICT}
        )
        body = answer.json()
        return TxnResult(
            ok=answer.status == HTTPStatus.OK,
            entries=tuple(parse_entry(result["KV"]) for result in body["Results"] or ()),
            errors=tuple(error["What"] for error in body.get("Errors") or ()),
        )

    def _add(self, verb: str, key: str, value: bytes | str | None = None, **fields: object) -> Txn:
        operation: dict[str, Any] = {"Verb": verb, "Key": key, **fields}
        if value is not None:
            data = value.encode() if isinstance(value, str) else value
            operation["Value"] = base64.b64encode(data).decode()
        self._operations.append({"KV": operation})
        return self
