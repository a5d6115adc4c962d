"""The client of one Consul datacenter: an address, a token and groups of calls."""

from __future__ import annotations

from bob.clients.api import Api
from bob.clients.consul.acl import Acl
from bob.clients.consul.agent import Agent
from bob.clients.consul.catalog import Catalog
from bob.clients.consul.event import Event
from bob.clients.consul.kv import Kv
from bob.clients.consul.operator import Operator
from bob.clients.consul.session import Session
from bob.clients.consul.txn import Txn
from bob.clients.http import Http


class Consul(Api):
    """Calls to a Consul agent: `Consul("https://10.101.0.11:8501", token, ca_file)`."""

    token_header = "X-Consul-Token"  # noqa: S105 - the name of a header
    index_header = "X-Consul-Index"

    def _offer(self, http: Http) -> None:
        self.agent = Agent(http)
        self.catalog = Catalog(http)
        self.event = Event(http)
        self.kv = Kv(http)
        self.session = Session(http)
        self.acl = Acl(http)
        self.operator = Operator(http)

    def leader(self) -> str:
        """Address "ip:8300" of the leader as the asked agent sees it, or "" without one."""
        return str(self.http.request("GET", "/v1/status/leader", params={"stale": ""}).json())

    def txn(self) -> Txn:
        """An empty transaction; add operations and `commit()` it."""
        return Txn(self.http)
