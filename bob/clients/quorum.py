"""What Consul and Nomad tell about their raft and autopilot; both use the same form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bob.clients.http import Http


@dataclass(frozen=True, slots=True)
class RaftPeer:
    """A server in a raft configuration. `address` is "ip:port"."""

    id: str
    name: str
    address: str
    voter: bool
    leader: bool


@dataclass(frozen=True, slots=True)
class RaftConfiguration:
    """The raft peers as one server sees them."""

    peers: tuple[RaftPeer, ...]

    @property
    def leader(self) -> RaftPeer | None:
        """The leader, if there is one."""
        return next((peer for peer in self.peers if peer.leader), None)

    @property
    def voters(self) -> frozenset[str]:
        """Node names of the voters."""
        return frozenset(peer.name for peer in self.peers if peer.voter)


@dataclass(frozen=True, slots=True)
class AutopilotServer:
    """How the leader judges one server."""

    id: str
    name: str
    healthy: bool
    voter: bool
    leader: bool
    stable_since: str


@dataclass(frozen=True, slots=True)
class AutopilotHealth:
    """The leader's judgement. `failure_tolerance`: voters that may be lost without an outage."""

    healthy: bool
    failure_tolerance: int
    servers: tuple[AutopilotServer, ...]


def raft_configuration(body: Mapping[str, Any]) -> RaftConfiguration:
    """Parse `/v1/operator/raft/configuration`."""
    return RaftConfiguration(
        tuple(
            RaftPeer(
                id=server["ID"],
                name=node_name(server["Node"]),
                address=server["Address"],
                voter=server["Voter"],
                leader=server["Leader"],
            )
            for server in body["Servers"] or ()
        )
    )


def autopilot_health(body: Mapping[str, Any]) -> AutopilotHealth:
    """Parse `/v1/operator/autopilot/health`."""
    return AutopilotHealth(
        healthy=body["Healthy"],
        failure_tolerance=body["FailureTolerance"],
        servers=tuple(
            AutopilotServer(
                id=server["ID"],
                name=node_name(server["Name"]),
                healthy=server["Healthy"],
                voter=server["Voter"],
                leader=server["Leader"],
                stable_since=server["StableSince"],
            )
            for server in body["Servers"] or ()
        ),
    )


def node_name(name: str) -> str:
    """The node's name; Nomad calls its servers "<node>.<region>", and a node's name has no dot."""
    return name.partition(".")[0]


class Operator:
    """Calls about raft and autopilot; they are the same for both."""

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
