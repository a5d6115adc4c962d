"""Failures below HTTP, as the library `requests` tells them, turned into our own errors."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from bob.clients.http_errors import Unreachable, untrusted, unusable_ca
from bob.errors import BobError

UNSENT = (
    requests.ConnectTimeout,
    urllib3.exceptions.NewConnectionError,
    ConnectionRefusedError,
)


def explain(
    error: requests.RequestException, address: str, where: str, ca_file: str | bool
) -> BobError:
    """The error for a failure below HTTP: no connection, no trust, or no answer."""
    chain = _causes(error)
    host = urlsplit(address).netloc
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        return untrusted(where, host, chain[-1], ca_file)
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
