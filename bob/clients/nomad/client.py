"""The client of one Nomad region: an address, a token and groups of calls."""

from __future__ import annotations

from bob.clients.api import Api
from bob.clients.http import NO_LEADER, Http, Unreachable
from bob.clients.nomad.acl import Acl
from bob.clients.nomad.jobs import Jobs
from bob.clients.nomad.nodes import Nodes
from bob.clients.nomad.operator import Operator
from bob.clients.nomad.rollouts import Rollouts
from bob.clients.nomad.state import State
from bob.clients.nomad.variables import Variables


class Nomad(Api):
    """Calls to a Nomad agent: `Nomad("https://10.101.0.11:4646", token, ca_file)`."""

    token_header = "X-Nomad-Token"  # noqa: S105 - the name of a header
    index_header = "X-Nomad-Index"

    def _offer(self, http: Http) -> None:
        self.acl = Acl(http)
        self.jobs = Jobs(http)
        self.nodes = Nodes(http)
        self.operator = Operator(http)
        self.rollouts = Rollouts(http)
        self.state = State(http)
        self.variables = Variables(http)

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
