"""HTTPS to the agents' APIs: deadlines, several candidate servers, certificates and error classes.

Consul and Nomad answer alike: JSON, an index in a header, plain text as the reason of a refusal.
What differs (the token's header, the calls) is in the packages `consul` and `nomad` beside this.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from bob.errors import Permanent, Temporary
from bob.waiting import Deadline

CONNECT_SECONDS = 1.5  # a live server of the same site takes milliseconds, a busy one a second
NO_LEADER = "No cluster leader"  # the text of both products; such a request was not carried out
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Unreachable(Temporary):
    """No candidate gave a usable answer. `sent`: the request may have been carried out.

    After a write with `sent` true the caller reads before it tries again.
    """

    def __init__(self, message: str, *, sent: bool, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.sent = sent


class Refused(Permanent):
    """The server understood and said no. `status` is the HTTP status, 300 to 499."""

    def __init__(self, message: str, *, status: int, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.status = status


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
    ) -> Answer:
        """Send one request; `body` is bytes, or an object to send as JSON.

        Returns answers with a status below 300 or listed in `accept`. `wait` (seconds) is how long
        the server may hold a blocking read, on top of the timeout. Another candidate is tried when
        the request cannot have been carried out, or only reads. Raises `Unreachable` (connection,
        deadline, 5xx, 429) or `Refused` (other statuses).
        """
        deadline = Deadline(self.timeout)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        safe = method in SAFE_METHODS
        first, count = self._preferred, len(self.addresses)
        missed: list[Unreachable] = []
        for position in range(count):
            if missed and deadline.passed():
                break
            choice = (first + position) % count
            left = max(deadline.left(), 0.001)
            share = left / (count - position)  # a write has one try only, so it may use all
            limits = (min(CONNECT_SECONDS, share), (share if safe else left) + wait)
            try:
                answer = self._attempt(
                    self.addresses[choice], method, path, dict(params or {}), data, limits
                )
                self._judge(answer, accept)
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
        data: bytes | None,
        limits: tuple[float, float],
    ) -> Answer:
        """Ask one server; `limits` are the seconds to connect and to answer."""
        where = f"{method} {address}{path}"
        try:
            response = self._session().request(
                method, address + path, params=params, data=data, verify=self._verify,
                timeout=limits, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise self._explain(error, address, where) from error
        index = response.headers.get(self._index_header, "")
        return Answer(
            where, response.status_code, response.content, int(index) if index.isdigit() else 0
        )

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # no proxy, .netrc or CA bundle from the environment
            session.headers.update(self._headers)
            self._local.session = session
        return session

    def _explain(self, error: requests.RequestException, address: str, where: str) -> Exception:
        """The Bob error for a failure below HTTP."""
        chain = list(_causes(error))
        host = urlsplit(address).netloc
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
            return Permanent(
                f"{where}: the certificate of {host} is not trusted: {chain[-1]}",
                cure=f"Check that the CA file ({self._verify}) belongs to this cluster.",
            )
        unsent = (
            requests.ConnectTimeout,
            urllib3.exceptions.NewConnectionError,
            ConnectionRefusedError,
        )
        if isinstance(error, requests.Timeout):
            reason = "no answer in time"
        else:
            reason = str(chain[-1]) or type(chain[-1]).__name__
        return Unreachable(
            f"{where}: {reason}",
            sent=not any(isinstance(cause, unsent) for cause in chain),
            cure=f"Check that {host} is up and its agent runs.",
        )

    @staticmethod
    def _judge(answer: Answer, accept: Collection[int]) -> None:
        """Raise for a status that is neither success nor in `accept`."""
        if answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status in accept:
            return
        text = " ".join(answer.body[:400].decode(errors="replace").split())
        message = f"{answer.where}: {answer.status} {text}"
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(message, sent=NO_LEADER not in text)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unreachable(message, sent=False)
        cure = ""
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            cure = "The token is unknown to this cluster or its policy does not allow this call."
        raise Refused(message, status=answer.status, cure=cure)


def _causes(error: BaseException) -> list[BaseException]:
    """`error` and what it was made from, outermost first."""
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        item = todo.pop(0)
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            todo += [getattr(item, "reason", None), *item.args, item.__cause__, item.__context__]
    return found
