"""The client of one Consul datacenter: an address, a token and groups of calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bob.clients.consul.acl import Acl
from bob.clients.consul.agent import Agent
from bob.clients.consul.catalog import Catalog
from bob.clients.consul.kv import Kv
from bob.clients.consul.operator import Operator
from bob.clients.consul.txn import Txn
from bob.clients.http import Http

TOKEN_HEADER = "X-Consul-Token"  # noqa: S105  the name of a header
INDEX_HEADER = "X-Consul-Index"
DEFAULT_TIMEOUT = 5.0


class Consul:
    """Calls to a Consul agent, like `Consul("https://10.101.0.11:8501", token, ca_file)`.

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
    ) -> Consul:
        """A client of whichever of `addresses` answers, tried in order; it survives a dead one."""
        client = cls.__new__(cls)
        client._use(addresses, token, ca_file, timeout)
        return client

    def _use(
        self, addresses: Sequence[str], token: str, ca_file: Path | None, timeout: float
    ) -> None:
        headers = {TOKEN_HEADER: token} if token else {}
        self.http = Http(addresses, headers, ca_file, timeout, INDEX_HEADER)
        self.agent = Agent(self.http)
        self.catalog = Catalog(self.http)
        self.kv = Kv(self.http)
        self.acl = Acl(self.http)
        self.operator = Operator(self.http)

    def leader(self) -> str:
        """Address "ip:8300" of the leader as the asked agent sees it, or "" without one."""
        return str(self.http.request("GET", "/v1/status/leader", params={"stale": ""}).json())

    def txn(self) -> Txn:
        """An empty transaction; add operations and `commit()` it."""
        return Txn(self.http)
