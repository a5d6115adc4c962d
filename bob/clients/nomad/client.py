"""The client of one Nomad region: an address, a token and groups of calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bob.clients.http import NO_LEADER, Http, Unreachable
from bob.clients.nomad.acl import Acl
from bob.clients.nomad.jobs import Jobs
from bob.clients.nomad.operator import Operator
from bob.clients.nomad.state import State
from bob.clients.nomad.variables import Variables

TOKEN_HEADER = "X-Nomad-Token"  # noqa: S105  the name of a header
INDEX_HEADER = "X-Nomad-Index"
DEFAULT_TIMEOUT = 5.0


class Nomad:
    """Calls to a Nomad agent, like `Nomad("https://10.101.0.11:4646", token, ca_file)`.

    `ca_file` is a PEM file that the server's certificate must come from; without it the system's
    authorities are used. `timeout` is in seconds and limits a whole call. Every call raises
    `bob.clients.http.Unreachable` (worth another attempt) or `Refused` (it is not).

    Reads are answered by the leader unless they take `stale`; a stale read also works without one.
    """

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
    ) -> Nomad:
        """A client of whichever of `addresses` answers, tried in order; it survives a dead one."""
        client = cls.__new__(cls)
        client._use(addresses, token, ca_file, timeout)
        return client

    def _use(
        self, addresses: Sequence[str], token: str, ca_file: Path | None, timeout: float
    ) -> None:
        headers = {TOKEN_HEADER: token} if token else {}
        self.http = Http(addresses, headers, ca_file, timeout, INDEX_HEADER)
        self.acl = Acl(self.http)
        self.jobs = Jobs(self.http)
        self.operator = Operator(self.http)
        self.state = State(self.http)
        self.variables = Variables(self.http)

    def leader(self) -> str:
        """Address "ip:4647" of the leader as the asked agent sees it, or "" without one."""
        try:
            answer = self.http.request("GET", "/v1/status/leader", params={"stale": ""})
        except Unreachable as error:
            if NO_LEADER in error.message:
                return ""
            raise
        return str(answer.json())

    def peers(self) -> frozenset[str]:
        """Addresses "ip:4647" of the raft peers; asked without a token, like `leader`."""
        answer = self.http.request("GET", "/v1/status/peers", params={"stale": ""})
        return frozenset(answer.json() or ())
