"""The quorum and the gossip keys."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from bob.clients.http import Http
from bob.clients.quorum import (
    AutopilotHealth,
    RaftConfiguration,
    autopilot_health,
    raft_configuration,
)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Gossip keys of one pool: how many of its `nodes` have each key, and the one in use."""

    datacenter: str
    wan: bool
    nodes: int
    keys: dict[str, int]
    primary: dict[str, int]


class Operator:
    """Calls about raft, autopilot and the keyring."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def raft(self, *, stale: bool = False) -> RaftConfiguration:
        """The raft peers. `stale` also works without a leader."""
        params = {"stale": ""} if stale else {}
        answer = self._http.request("GET", "/v1/operator/raft/configuration", params=params)
        return raft_configuration(answer.json())

    def autopilot(self) -> AutopilotHealth:
        """The leader's judgement of its servers (an unhealthy one is not an error)."""
        answer = self._http.request(
            "GET", "/v1/operator/autopilot/health", accept={HTTPStatus.TOO_MANY_REQUESTS}
        )
        return autopilot_health(answer.json())

    def keyrings(self) -> tuple[Keyring, ...]:
        """The gossip keys in use. They are secrets: never print or log them."""
        return tuple(
            Keyring(
                datacenter=ring["Datacenter"],
                wan=ring["WAN"],
                nodes=ring["NumNodes"],
                keys=ring["Keys"],
                primary=ring["PrimaryKeys"],
            )
            for ring in self._http.request("GET", "/v1/operator/keyring").json()
        )
