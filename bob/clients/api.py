"""What the clients of Consul and Nomad share: candidate addresses, a token, a deadline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

from bob.clients.http import Http

DEFAULT_TIMEOUT = 5.0


class Api(ABC):
    """Calls to one address, or by `any` to whichever of several answers.

    `ca_file` is a PEM file that the server's certificate must come from; without it the system's
    authorities are used. `timeout` is in seconds and limits a whole call. Every call raises
    `bob.clients.http.Unreachable` (worth another attempt) or `Refused` (it is not).

    Reads are answered by the leader unless they take `stale`; a stale read also works without one.
    """

    token_header: ClassVar[str]
    index_header: ClassVar[str]

    def __init__(
        self,
        address: str,
        token: str = "",
        ca_file: Path | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self._use([address], token, ca_file, timeout)

    @classmethod
    def any(
        cls,
        addresses: Sequence[str],
        token: str = "",
        ca_file: Path | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Self:
        """A client of whichever of `addresses` answers, tried in order; it survives a dead one."""
        client = cls.__new__(cls)
        client._use(addresses, token, ca_file, timeout)
        return client

    @classmethod
    def light(
        cls,
        address: str,
        token: str = "",
        ca_file: Path | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Self:
        """A client of the agent on this host for a daemon that must stay small."""
        from bob.clients.light import LightHttp

        client = cls.__new__(cls)
        client._use([address], token, ca_file, timeout, LightHttp)
        return client

    def _use(
        self,
        addresses: Sequence[str],
        token: str,
        ca_file: Path | None,
        timeout: float,
        transport: type[Http] = Http,
    ) -> None:
        headers = {self.token_header: token} if token else {}
        self.http = transport(addresses, headers, ca_file, timeout, self.index_header)
        self._offer(self.http)

    @abstractmethod
    def _offer(self, http: Http) -> None:
        """Set the groups of calls as attributes."""
