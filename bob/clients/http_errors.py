"""What goes wrong between us and an agent, sorted by what the caller can do about it."""

from __future__ import annotations

import ssl
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from bob.errors import BobError, Permanent, Temporary

NO_LEADER = "No cluster leader"  # the text of both products; such a request was not carried out
UNSENT = (
    requests.ConnectTimeout,
    urllib3.exceptions.NewConnectionError,
    ConnectionRefusedError,
)


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


def explain(
    error: requests.RequestException, address: str, where: str, ca_file: str | bool
) -> BobError:
    """The error for a failure below HTTP: no connection, no trust, or no answer."""
    chain = _causes(error)
    host = urlsplit(address).netloc
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        return Permanent(
            f"{where}: the certificate of {host} is not trusted: {chain[-1]}",
            cure=f"Check that the CA file ({ca_file}) belongs to this cluster.",
        )
    if any(isinstance(cause, ssl.SSLError) and cause.library == "X509" for cause in chain):
        return unusable_ca(chain[-1], where, ca_file)
    if isinstance(error, requests.Timeout):
        reason = "no answer in time"
    else:
        reason = str(chain[-1]) or type(chain[-1]).__name__
    return Unreachable(
        f"{where}: {reason}",
        sent=not any(isinstance(cause, UNSENT) for cause in chain),
        cure=f"Check that {host} is up and its agent runs.",
    )


def unusable_ca(error: BaseException, where: str, ca_file: str | bool) -> Permanent:
    """The error for a CA file that is missing or holds no certificate."""
    return Permanent(
        f"{where}: cannot use the CA file: {error}",
        cure=f"Put back {ca_file}; it was written by bob init.",
    )


def refusal(where: str, status: int, body: bytes) -> BobError:
    """The error for an answer that is not the wanted one (status 300 or more)."""
    text = " ".join(body[:400].decode(errors="replace").split())
    message = f"{where}: {status} {text}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(message, sent=NO_LEADER not in text)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Unreachable(message, sent=False)
    cure = ""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        cure = "The token is unknown to this cluster or its policy does not allow this call."
    return Refused(message, status=status, cure=cure)


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
