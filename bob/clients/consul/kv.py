"""The key-value store, with compare-and-set and blocking reads."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from bob.clients.consul.session import SessionGone
from bob.clients.http import Answer, Http
from bob.clients.http_errors import refusal

T = TypeVar("T")
WAIT_SECONDS = 25.0  # below the 30 s after which some releases and proxies cut a silent request
JITTER = 1 / 16  # the server adds up to this part of `wait` (Consul API, blocking queries)
GONE = b"invalid session"  # said with status 500 about a lock for a session that has ended


@dataclass(frozen=True, slots=True)
class KvEntry:
    """A key and its value. `modify_index` is what `cas` takes; `session` is "" when unlocked.

    `lock_index` counts the holders so far: it rises when another session takes the lock, not when
    its holder takes it again, and stays when the lock is released. Deleting the key, or writing it
    without `acquire`, starts the count again (measured, Consul 1.22).
    """

    key: str
    value: bytes
    flags: int
    create_index: int
    modify_index: int
    lock_index: int
    session: str

    def json(self) -> Any:
        """The value as JSON. Raises `ValueError` when it is none."""
        return json.loads(self.value)


@dataclass(frozen=True, slots=True)
class Indexed(Generic[T]):
    """A value and the index to pass to the next blocking read."""

    value: T
    index: int


class Kv:
    """Calls on keys. Use `[A-Za-z0-9_.,/-]` only: some releases refuse the rest."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def get(self, key: str, *, consistent: bool = False) -> KvEntry | None:
        """The entry, or None.

        For a moment a new leader may answer from before what the former one confirmed. With
        `consistent` it makes sure of its place first: for when absence leads to a conclusion.
        """
        return self.read(key, consistent=consistent).value

    def list(self, prefix: str) -> tuple[KvEntry, ...]:
        """All entries whose key begins with `prefix`, ordered by key."""
        return self.read_all(prefix).value

    def keys(self, prefix: str) -> tuple[str, ...]:
        """All keys that begin with `prefix`, without their values."""
        answer = self._read(prefix, {"keys": ""}, 0, 0)
        return () if answer.status == HTTPStatus.NOT_FOUND else tuple(answer.json())

    def read(
        self, key: str, *, index: int = 0, wait: float = WAIT_SECONDS, consistent: bool = False
    ) -> Indexed[KvEntry | None]:
        """The entry, or None; with `index` only once it differs, at most after `wait` seconds.

        `consistent` as in `get`.
        """
        answer = self._read(key, {"consistent": ""} if consistent else {}, index, wait)
        found = _entries(answer)
        return Indexed(found[0] if found else None, next_index(index, answer.index))

    def read_all(
        self, prefix: str, *, index: int = 0, wait: float = WAIT_SECONDS
    ) -> Indexed[tuple[KvEntry, ...]]:
        """Like `read`, for all entries below `prefix`."""
        answer = self._read(prefix, {"recurse": ""}, index, wait)
        return Indexed(_entries(answer), next_index(index, answer.index))

    def put(self, key: str, value: bytes | str, *, cas: int | None = None, flags: int = 0) -> bool:
        """Store `value`. With `cas` only if the entry still has that modify_index (0: is absent).

        False when the comparison failed.
        """
        params: dict[str, str | int] = {"flags": flags}
        if cas is not None:
            params["cas"] = cas
        data = value.encode() if isinstance(value, str) else value
        return bool(self._http.request("PUT", _path(key), params=params, body=data).json())

    def delete(self, key: str, *, cas: int | None = None, recurse: bool = False) -> bool:
        """Delete a key, or all keys below it. False when `cas` failed; absence is no error."""
        params: dict[str, str | int] = {} if cas is None else {"cas": cas}
        if recurse:
            params["recurse"] = ""
        return bool(self._http.request("DELETE", _path(key), params=params).json())

    def acquire(self, key: str, value: bytes | str, session: str) -> bool:
        """Lock the key for `session` and store `value`; the holder may do so again.

        False when another session holds it, or its lock delay has not passed. Raises `SessionGone`.
        """
        answer = self._http.request(
            "PUT",
            _path(key),
            params={"acquire": session},
            body=value.encode() if isinstance(value, str) else value,
            accept={HTTPStatus.INTERNAL_SERVER_ERROR},
        )
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            if GONE in answer.body:
                raise SessionGone(session)
            raise refusal(answer.where, answer.status, answer.body)
        return bool(answer.json())

    def release(self, key: str, value: bytes | str, session: str) -> bool:
        """Unlock the key and store `value`; no lock delay follows. False for another's lock."""
        data = value.encode() if isinstance(value, str) else value
        return bool(
            self._http.request("PUT", _path(key), params={"release": session}, body=data).json()
        )

    def _read(self, key: str, params: dict[str, str | int], index: int, wait: float) -> Answer:
        if index:
            params |= {"index": index, "wait": f"{int(wait * 1000)}ms"}
        return self._http.request(
            "GET",
            _path(key),
            params=params,
            accept={HTTPStatus.NOT_FOUND},
            wait=wait * (1 + JITTER) if index else 0,
        )


def next_index(asked: int, answered: int) -> int:
    """The index for the next blocking read: from the start when the servers' index went back."""
    return 0 if answered < asked else max(answered, 1)


def parse_entry(body: Mapping[str, Any]) -> KvEntry:
    """One entry as the KV and transaction calls give it (the value is base64, or null)."""
    return KvEntry(
        key=body["Key"],
        value=base64.b64decode(body["Value"] or ""),
        flags=body["Flags"],
        create_index=body["CreateIndex"],
        modify_index=body["ModifyIndex"],
        lock_index=body["LockIndex"],
        session=body.get("Session", ""),
    )


def _entries(answer: Answer) -> tuple[KvEntry, ...]:
    if answer.status == HTTPStatus.NOT_FOUND:
        return ()
    return tuple(parse_entry(body) for body in answer.json())


def _path(key: str) -> str:
    return "/v1/kv/" + quote(key, safe="/,")
