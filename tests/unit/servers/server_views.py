"""A cluster of five nodes in three zones, n1 to n3 its servers, and ways to change it.

zone a: n1 n4    zone b: n2 n5    zone c: n3
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from bob.clients.consul import Member, MemberStatus
from bob.clients.nomad import Node
from bob.clients.quorum import AutopilotHealth, AutopilotServer, RaftConfiguration, RaftPeer
from bob.ops.view import CLIENT, SERVER, ClusterView, NodeWish, Quorum
from inventory import Cluster, NetworkName

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = {"n1": "a", "n2": "b", "n3": "c", "n4": "a", "n5": "b"}
SERVERS = ("n1", "n2", "n3")


def cluster(zones: Mapping[str, str] = ZONES, **fields: object) -> Cluster:
    numbers = {NetworkName.MGMT: 101, NetworkName.STORAGE: 102}
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {net: {"cidr": f"10.{n}.0.0/24"} for net, n in numbers.items()},
            "nodes": [
                {
                    "name": name,
                    "zone": zone,
                    "addresses": {
                        net: str(IPv4Address(f"10.{n}.0.{10 + place}"))
                        for net, n in numbers.items()
                    },
                }
                for place, (name, zone) in enumerate(zones.items(), start=1)
            ],
            **fields,
        }
    )


def quorum(
    voters: Iterable[str] = SERVERS,
    *,
    leader: str = "n1",
    sick: Iterable[str] = (),
    waiting: Iterable[str] = (),
    stable: float = 3600.0,
) -> Quorum:
    """`sick` are unhealthy, `waiting` have no vote."""
    voters, sick, waiting = tuple(voters), set(sick), tuple(waiting)
    names = (*voters, *waiting)
    peers = tuple(
        RaftPeer(f"id-{n}", n, f"{n}:8300", n in voters, n == leader) for n in names
    )  # fmt: skip
    since = (NOW - timedelta(seconds=stable)).isoformat()
    judged = tuple(
        AutopilotServer(f"id-{n}", n, n not in sick, n in voters, n == leader, since) for n in names
    )
    tolerance = len(voters) - len(sick) - (len(voters) // 2 + 1)
    return Quorum(RaftConfiguration(peers), AutopilotHealth(not sick, tolerance, judged))


def view(
    wished: Iterable[str] = SERVERS,
    *,
    zones: Mapping[str, str] = ZONES,
    down: Iterable[str] = (),
    states: Mapping[str, str] | None = None,
    runs: Iterable[str] | None = None,
    raft: Quorum | None = None,
    held: Mapping[str, str] | None = None,
    newest: str = "",
    **fields: object,
) -> ClusterView:
    """`wished` are to be servers, `runs` run as such and vote: the same nodes if not given.

    `newest` was made a server by an operation, the others with the cluster.
    """
    wished, down = tuple(wished), set(down)
    runs = wished if runs is None else tuple(runs)
    made = cluster(zones, **fields)
    raft = raft or quorum(
        runs, sick=down & set(runs), leader=next(r for r in runs if r not in down)
    )
    seen = {
        name: Member(
            name=name,
            address="",
            status=MemberStatus.FAILED if name in down else MemberStatus.ALIVE,
            server=name in runs,
        )
        for name in zones
    }
    nodes = {
        name: Node(
            id=f"id-{name}", name=name, address="", status="down" if name in down else "ready",
            eligible=True, draining=False,
        )
        for name in zones
    }  # fmt: skip
    return ClusterView(
        now=NOW.timestamp(),
        cluster=made,
        wishes={
            name: NodeWish(
                role=SERVER if name in wished else CLIENT,
                zone=zone,
                state=(states or {}).get(name, "member"),
                server_since="01J" if name == newest else "",
            )
            for name, zone in zones.items()
        },
        members=dict.fromkeys(made.network_names(), seen),
        consul=dict.fromkeys(made.network_names(), raft),
        nomad=raft,
        nodes=nodes,
        held=held or {},
    )


def changed(found: ClusterView, **fields: object) -> ClusterView:
    return replace(found, **fields)  # type: ignore[arg-type]
