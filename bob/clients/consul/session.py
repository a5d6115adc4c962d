"""Sessions: what a lock is bound to. When the session ends, Consul frees its locks by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from bob.clients.http import Http
from bob.errors import BobError

NANOSECONDS = 1_000_000_000


class SessionGone(BobError):
    """The session ended: its time ran out, a check failed, or somebody destroyed it."""

    def __init__(self, session: str) -> None:
        super().__init__(f"session {session} is gone", cure="Make a new one.")
        self.session = session


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as the servers hold it; it dies with any of its `checks`. Times in seconds."""

    id: str
    name: str
    node: str
    ttl: float
    lock_delay: float
    behavior: str
    checks: tuple[str, ...]


class Session:
    """Calls on sessions. They belong to the node whose agent is asked."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self, name: str, *, ttl: float, lock_delay: float, checks: Sequence[str] = ()
    ) -> str:
        """Make a session and return its id. When it ends, its locks are released, not deleted.

        It ends between `ttl` and twice `ttl` seconds after the last renewal, or at once when a
        check of its node in `checks` ("serfHealth") is critical. Its keys then cannot be locked
        for `lock_delay` seconds (at most 60).
        """
        wish = {
            "Name": name,
            "TTL": f"{round(ttl * 1000)}ms",
            "LockDelay": f"{round(lock_delay * 1000)}ms",
            "Behavior": "release",
            "NodeChecks": list(checks),
        }
        return str(self._http.request("PUT", "/v1/session/create", body=wish).json()["ID"])

    def renew(self, session: str) -> None:
        """Start the session's time anew. Raises `SessionGone`."""
        answer = self._http.request(
            "PUT", f"/v1/session/renew/{session}", accept={HTTPStatus.NOT_FOUND}
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            raise SessionGone(session)

    def destroy(self, session: str) -> None:
        """End the session; the lock delay begins. No error when it is gone."""
        self._http.request("PUT", f"/v1/session/destroy/{session}")

    def info(self, session: str) -> SessionInfo | None:
        """The session, or None when it is gone."""
        found = self._http.request("GET", f"/v1/session/info/{session}").json()
        if not found:
            return None
        return SessionInfo(
            id=found[0]["ID"],
            name=found[0]["Name"],
            node=found[0]["Node"],
            ttl=_seconds(found[0]["TTL"]),
            lock_delay=found[0]["LockDelay"] / NANOSECONDS,
            behavior=found[0]["Behavior"],
            checks=tuple(found[0]["NodeChecks"] or ()),
        )


def _seconds(text: str) -> float:
    """A TTL comes back as it was sent, and `create` sends milliseconds; "" is no TTL."""
    if text.endswith("ms"):
        return float(text.removesuffix("ms")) / 1000
    return float(text.removesuffix("s") or 0)
