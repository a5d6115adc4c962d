"""Hosts, one raft, its autopilot, and operations that take their time, for the keeper's simulation.

All rafts of the cluster share their fate here: the keeper sees the same picture for each.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address

from bob.clients.consul import Member, MemberStatus
from bob.clients.nomad import Node
from bob.clients.quorum import AutopilotHealth, AutopilotServer, RaftConfiguration, RaftPeer
from bob.ops.kind import Request
from bob.ops.servers import judge
from bob.ops.view import CLIENT, SERVER, ClusterView, NodeWish, Quorum
from inventory import Cluster, NetworkName

GRACE = 20
VOTE_SECONDS = 180.0  # like the limit of the real step
RESTART_TURNS = 3
START = 1_700_000_000.0


class World:
    """`configured` run as servers when they are on; `roles` are what is wished."""

    def __init__(self, chance: random.Random) -> None:
        self.now = START
        count = chance.randint(3, 7)
        self.nodes = [f"n{number}" for number in range(1, count + 1)]
        self.zones = {node: chance.choice("abc") for node in self.nodes}
        self.cluster = _cluster(self.zones, five=chance.choice((5, 6, 30)))
        first = self.nodes[: chance.choice((3, 3, min(5, count)))]
        self.roles = {node: SERVER if node in first else CLIENT for node in self.nodes}
        self.configured = set(first)
        self.voters = set(first)
        self.waiting: dict[str, float] = {}
        self.since = dict.fromkeys(self.nodes, self.now - 1000)
        self.off: set[str] = set()
        self.min_quorum = len(first)
        self.leader = first[0]

    def alive(self) -> set[str]:
        return set(self.nodes) - self.off

    def majority(self) -> bool:
        working = self.voters & self.configured & self.alive()
        return len(working) >= judge.majority(len(self.voters))

    def power_off(self, node: str) -> None:
        self.off.add(node)
        self.since[node] = self.now

    def power_on(self, node: str) -> None:
        self.off.discard(node)
        self.since[node] = self.now

    def advance(self, seconds: float) -> None:
        """Time passes, and the leader of the raft does what it has to."""
        self.now += seconds
        working = self.configured & self.alive()
        if not self.majority():
            self.leader = ""
            return
        if self.leader not in self.voters & working:
            self.leader = min(self.voters & working)
        for node in working - self.voters:
            self.waiting.setdefault(node, self.now)
        for node in [n for n in self.waiting if n not in working]:
            del self.waiting[node]
        for node, since in list(self.waiting.items()):
            if self.now - max(since, self.since[node]) >= judge.STABLE_SECONDS:
                self.voters.add(node)
                del self.waiting[node]
        dead = self.voters - working
        if dead and len(self.voters) - 1 >= max(self.min_quorum, judge.majority(len(self.voters))):
            self.voters.discard(min(dead))

    def perform(self, request: Request) -> Iterator[None]:
        """The steps of an operation, as the real ones are applied; each yield lets time pass."""
        node = request.target
        match request.kind:
            case "promote":
                yield from self._promote(node)
            case "demote":
                yield from self._retire(node)
            case "replace-server":
                new = str(request.params["by"])
                yield from self._promote(new)
                if self.roles[new] == SERVER:
                    yield from self._retire(node)
        self.min_quorum = sum(role == SERVER for role in self.roles.values())

    def _promote(self, node: str) -> Iterator[None]:
        self.roles[node] = SERVER
        deadline = self.now + VOTE_SECONDS
        for _ in range(RESTART_TURNS):
            yield
        while node not in self.voters or node in self.off:
            if self.now > deadline:  # it is taken back
                yield from self._retire(node)
                return
            if node not in self.off:
                self.configured.add(node)
            yield

    def _retire(self, node: str) -> Iterator[None]:
        self.roles[node] = CLIENT
        while not self._removed(node):
            yield
        for _ in range(RESTART_TURNS if node not in self.off else 0):
            yield
        if node not in self.off:
            self.configured.discard(node)
        while not self._removed(node):
            yield

    def _removed(self, node: str) -> bool:
        others = self.voters - {node}
        healthy = others & self.configured & self.alive()
        if node in self.voters and len(healthy) < judge.majority(len(others)):
            return False
        self.voters.discard(node)
        self.waiting.pop(node, None)
        return True

    def view(self, held: Mapping[str, str]) -> ClusterView:
        """What a leader would see now."""
        working = self.configured & self.alive()
        raft = Quorum(self._raft(), self._health(working) if self.leader else None)
        members = {
            node: Member(
                name=node,
                address="",
                status=MemberStatus.FAILED if node in self.off else MemberStatus.ALIVE,
                server=node in self.configured,
            )
            for node in self.nodes
        }
        return ClusterView(
            now=self.now,
            cluster=self.cluster,
            wishes={n: NodeWish(role=self.roles[n], zone=self.zones[n]) for n in self.nodes},
            members={NetworkName.MGMT: members},
            consul={NetworkName.MGMT: raft},
            nomad=raft,
            nodes={
                node: Node(node, node, "", "down" if node in self.off else "ready", True, False)
                for node in self.nodes
            },
            held=held,
        )

    def _raft(self) -> RaftConfiguration:
        return RaftConfiguration(
            tuple(
                RaftPeer(node, node, node, node in self.voters, node == self.leader)
                for node in sorted({*self.voters, *self.waiting})
            )
        )

    def _health(self, working: set[str]) -> AutopilotHealth:
        judged = tuple(
            AutopilotServer(
                node, node, node in working, node in self.voters, node == self.leader,
                datetime.fromtimestamp(self.since[node], UTC).isoformat(),
            )
            for node in sorted({*self.voters, *self.waiting})
        )  # fmt: skip
        return AutopilotHealth(all(s.healthy for s in judged), 0, judged)


def _cluster(zones: Mapping[str, str], five: int) -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.101.0.0/24"}},
            "five_servers_from": five,
            "server_grace": GRACE,
            "nodes": [
                {
                    "name": name,
                    "zone": zone,
                    "addresses": {"mgmt": str(IPv4Address("10.101.0.10") + place)},
                }
                for place, (name, zone) in enumerate(zones.items(), start=1)
            ],
        }
    )
