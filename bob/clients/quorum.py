"""The raft and the autopilot of Consul and of Nomad; both are seen and changed alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO, ClassVar

from bob.clients.http import Http, Refused, Unreachable

AUTOPILOT = "/v1/operator/autopilot/configuration"
SNAPSHOT_SECONDS = 60.0  # without a byte; a server writes its whole state before the first one


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
    """Calls about raft and autopilot; they are the same for both, but for some paths."""

    transfer: ClassVar[tuple[str, str]]
    """Method and path of a change of leader."""
    snapshot_path: ClassVar[str]

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

    def min_quorum(self) -> int:
        """Number of voters below which autopilot removes no dead server; 0: no limit of its own."""
        return int(self._autopilot_configuration()["MinQuorum"])

    def set_min_quorum(self, count: int) -> None:
        """Change that number; configuration files count only when a cluster is made."""
        found = self._autopilot_configuration()
        if found["MinQuorum"] == count:
            return
        wanted = {**found, "MinQuorum": count}
        answer = self._http.request(
            "PUT", AUTOPILOT, params={"cas": found["ModifyIndex"]}, body=wanted
        )
        if answer.json() is not True:
            raise Unreachable(f"{answer.where}: it was changed meanwhile", sent=False)

    def remove_peer(self, peer: str) -> None:
        """Take the server with this raft id out of the raft; one that is not in it is no error.

        One that still runs as a server is added again by the leader, at first without a vote.
        """
        try:
            self._http.request("DELETE", "/v1/operator/raft/peer", params={"id": peer})
        except (Unreachable, Refused):  # both products call an unknown id an inner failure
            if any(known.id == peer for known in self.raft().peers):
                raise

    def transfer_leadership(self, peer: str) -> None:
        """Have the voter with this raft id lead. Who leads then is asked from `raft`."""
        method, path = self.transfer
        self._http.request(method, path, params={"id": peer})

    def save_snapshot(self, sink: BinaryIO) -> None:
        """Write everything this raft holds into an empty file: a compressed archive. A secret."""
        self._http.request("GET", self.snapshot_path, sink=sink, wait=SNAPSHOT_SECONDS)

    def restore_snapshot(self, source: BinaryIO) -> None:
        """Replace everything this raft holds. Indexes go back; sessions are those of that time."""
        self._http.request("PUT", self.snapshot_path, body=source, wait=SNAPSHOT_SECONDS)

    def _autopilot_configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = self._http.request("GET", AUTOPILOT).json()
        return found
