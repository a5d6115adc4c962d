"""What goes wrong between us and an agent, sorted by what the caller can do about it."""

from __future__ import annotations

from http import HTTPStatus

from bob.errors import BobError, Permanent, Temporary

NO_LEADER = "No cluster leader"  # the text of both products; such a request was not carried out


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


def untrusted(where: str, host: str, reason: object, ca_file: str | bool) -> BobError:
    """The error for a server whose certificate is not of our authority."""
    return Permanent(
        f"{where}: the certificate of {host} is not trusted: {reason}",
        cure=f"Check that the CA file ({ca_file}) belongs to this cluster.",
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
