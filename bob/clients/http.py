"""HTTPS to the agents' APIs: deadlines, several candidate servers, certificates.

Consul and Nomad answer alike: JSON, an index in a header, plain text as the reason of a refusal.
What differs (the token's header, the calls) is in the packages `consul` and `nomad` beside this.
The library below is loaded with the first request: `bob.clients.light` does without it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from bob.clients.http_errors import NO_LEADER, Refused, Unreachable, refusal, unusable_ca
from bob.errors import Permanent
from bob.waiting import Deadline

if TYPE_CHECKING:
    import requests

__all__ = ["NO_LEADER", "Answer", "Http", "Refused", "Unreachable"]

CONNECT_SECONDS = 1.5  # a live server of the same site takes milliseconds, a busy one a second
CHUNK = 256 * 1024  # bytes of a large body that are held at once
SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: HTTP status, body, and the index for blocking reads (0: none)."""

    where: str
    status: int
    body: bytes
    index: int

    def json(self) -> Any:
        """The body as JSON. Raises `Permanent` when it is none: then something else answered."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Permanent(
                f"{self.where}: the answer is not JSON: {self.body[:80]!r}",
                cure="Check that the address and port are those of the agent.",
            ) from error


class Http:
    """Requests to the first of `addresses` ("https://10.101.0.11:8501") that gives an answer.

    `timeout` (seconds) limits a whole call, whatever the number of candidates. The candidate that
    answered last is asked first. May be used by several threads.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        headers: Mapping[str, str],
        ca_file: Path | None,
        timeout: float,
        index_header: str,
    ) -> None:
        if not addresses:
            raise ValueError("a client needs at least one address")
        self.addresses = tuple(address.rstrip("/") for address in addresses)
        self.timeout = timeout
        self._headers = dict(headers)
        self._verify: str | bool = str(ca_file) if ca_file else True
        self._index_header = index_header
        self._local = threading.local()  # a requests.Session must not be shared between threads
        self._preferred = 0
        self.before_write: Callable[[], object] = _nothing
        """Is called before each request that may change something; what it raises stops it."""

    @property
    def address(self) -> str:
        """The candidate that answered last, or the first one."""
        return self.addresses[self._preferred]

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        accept: Collection[int] = (),
        wait: float = 0.0,
        sink: BinaryIO | None = None,
        host: str = "",
    ) -> Answer:
        """Send one request; `body` is bytes, a file to send, or an object to send as JSON.

        Only the candidate at the address `host` is asked, if it is one.

        A good answer's body goes into the empty file `sink` if there is one, and `wait` limits then
        how long no byte of it may come.

        Returns answers with a status below 300 or listed in `accept`. `wait` (seconds) is how long
        the server may hold a blocking read, on top of the timeout. Another candidate is tried when
        the request cannot have been carried out, or only reads. Raises `Unreachable` (connection,
        deadline, 5xx, 429) or `Refused` (other statuses).
        """
        deadline = Deadline(self.timeout)
        ready = body is None or isinstance(body, bytes) or hasattr(body, "read")
        data = body if ready else json.dumps(body).encode()
        safe = method in SAFE_METHODS
        asked = [n for n, url in enumerate(self.addresses) if urlsplit(url).hostname == host]
        candidates = asked or list(range(len(self.addresses)))
        first = candidates.index(self._preferred) if self._preferred in candidates else 0
        count = len(candidates)
        missed: list[Unreachable] = []
        if not safe:
            self.before_write()
        for position in range(count):
            if missed and deadline.passed():
                break
            choice = candidates[(first + position) % count]
            left = max(deadline.left(), 0.001)
            share = left / (count - position)  # a write has one try only, so it may use all
            limits = (min(CONNECT_SECONDS, share), (share if safe else left) + wait)
            try:
                answer = self._attempt(
                    self.addresses[choice], method, path, dict(params or {}), data, limits, sink
                )
                if answer.status >= HTTPStatus.MULTIPLE_CHOICES and answer.status not in accept:
                    raise refusal(answer.where, answer.status, answer.body)
            except Unreachable as error:
                missed.append(error)
                if error.sent and not safe:
                    raise
                continue
            self._preferred = choice
            return answer
        if len(missed) == 1:
            raise missed[0]
        raise Unreachable(
            "no server answered: " + "; ".join(error.message for error in missed),
            sent=any(error.sent for error in missed),
            cure=missed[0].cure,
        )

    def _attempt(
        self,
        address: str,
        method: str,
        path: str,
        params: dict[str, str | int],
        data: Any,
        limits: tuple[float, float],
        sink: BinaryIO | None,
    ) -> Answer:
        """Ask one server; `limits` are the seconds to connect and to answer."""
        import requests

        where = f"{method} {address}{path}"
        try:
            response = self._session().request(
                method, address + path, params=params, data=data, verify=self._verify,
                timeout=limits, allow_redirects=False, stream=sink is not None,
            )  # fmt: skip
            if sink is not None and response.status_code < HTTPStatus.MULTIPLE_CHOICES:
                sink.seek(0)  # another candidate may have begun
                sink.truncate()
                for chunk in response.iter_content(CHUNK):
                    sink.write(chunk)
            content = b"" if sink and response.ok else response.content
        except requests.RequestException as error:
            from bob.clients.requests_errors import explain

            raise explain(error, address, where, self._verify) from error
        except OSError as error:  # requests found no CA file
            raise unusable_ca(error, where, self._verify) from error
        index = response.headers.get(self._index_header, "")
        return Answer(where, response.status_code, content, int(index) if index.isdigit() else 0)

    def _session(self) -> requests.Session:
        import requests

        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # no proxy, .netrc or CA bundle from the environment
            session.headers.update(self._headers)
            self._local.session = session
        return session


def _nothing() -> None:
    pass
