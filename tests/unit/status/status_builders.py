"""A healthy cluster of five nodes, three of them servers, and ways to break it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address

from bob.clients.consul import Check, Member, MemberStatus
from bob.clients.nomad import Allocation, JobState, Node
from bob.clients.quorum import AutopilotHealth, AutopilotServer, RaftConfiguration, RaftPeer
from bob.context import Context, KnownNode
from bob.status.robot import RobotView
from bob.status.snapshot import ConsulView, NomadView, Snapshot, Unknown
from inventory import NetworkName
from inventory.values import FrozenMapping

NETWORKS = tuple(NetworkName)
SERVERS = ("n1", "n2", "n3")
NODES = (*SERVERS, "n4", "n5")
ROBOT = RobotView(leader="n2", epoch=42)
ALLOCATIONS = ("aaaaaaaa-1111-4111-8111-000000000001", "aaaaaaaa-1111-4111-8111-000000000002")


def context(networks: Iterable[NetworkName] = NETWORKS) -> Context:
    third = {network: number for number, network in enumerate(NetworkName, start=101)}
    return Context(
        cluster="c1",
        datacenters=FrozenMapping({network: f"c1-{network.value}" for network in networks}),
        nodes=tuple(
            KnownNode(
                name=name,
                zone=f"rack{number % 2}",
                server=name in SERVERS,
                addresses=FrozenMapping(
                    {net: IPv4Address(f"10.{third[net]}.0.{number}") for net in networks}
                ),
            )
            for number, name in enumerate(NODES, start=11)
        ),
    )


def raft(leader: str | None = "n1", voters: Iterable[str] = SERVERS) -> RaftConfiguration:
    return RaftConfiguration(
        tuple(
            RaftPeer(id=f"id-{name}", name=name, address=name, voter=True, leader=name == leader)
            for name in voters
        )
    )


def members(**statuses: MemberStatus | None) -> tuple[Member, ...]:
    """All nodes alive, but for those named with another status (None: not a member)."""
    found = dict.fromkeys(NODES, MemberStatus.ALIVE) | statuses
    return tuple(
        Member(name=name, address="", status=status, server=name in SERVERS)
        for name, status in found.items()
        if status is not None
    )


def autopilot(*unhealthy: str) -> AutopilotHealth:
    servers = tuple(
        AutopilotServer(
            id=f"id-{name}", name=name, healthy=name not in unhealthy, voter=True,
            leader=name == "n1", stable_since="",
        )
        for name in SERVERS
    )  # fmt: skip
    return AutopilotHealth(healthy=not unhealthy, failure_tolerance=1, servers=servers)


def check(node: str, status: str, *, allocation: str = "", check_id: str = "") -> Check:
    service = f"_nomad-task-{allocation}-group-web-demo-http" if allocation else ""
    return Check(
        node=node, id=check_id or f"check-{service}", name="", status=status, output="",
        service_id=service, service_name="demo" if allocation else "",
    )  # fmt: skip


CHECKS = (
    *(check(name, "passing", check_id="serfHealth") for name in NODES),
    check("n4", "passing", allocation=ALLOCATIONS[0]),
    check("n5", "passing", allocation=ALLOCATIONS[1]),
)


def nodes(**statuses: str | None) -> tuple[Node, ...]:
    """All Nomad nodes ready, but for those named with another status (None: not registered)."""
    found = dict.fromkeys(NODES, "ready") | statuses
    return tuple(
        Node(id=f"id-{name}", name=name, address="", status=status, eligible=True, draining=False)
        for name, status in found.items()
        if status is not None
    )


def allocation(number: int, **changes: object) -> Allocation:
    """The demo's allocation 0 on n4, or 1 on n5."""
    healthy = Allocation(
        id=ALLOCATIONS[number], group="web", node_id=("id-n4", "id-n5")[number], status="running",
        healthy=True, version=0,
    )  # fmt: skip
    return replace(healthy, **changes)  # type: ignore[arg-type]


def job(*allocations: Allocation, **changes: object) -> JobState:
    demo = JobState(
        id="demo", namespace="default", name="demo", type="service", stopped=False, desired=2,
        allocations=allocations or (allocation(0), allocation(1)),
    )  # fmt: skip
    return replace(demo, **changes)  # type: ignore[arg-type]


def consul_view(network: NetworkName = NetworkName.STORAGE, **changes: object) -> ConsulView:
    checks = CHECKS if network is NetworkName.MGMT else ()
    view = ConsulView(members=members(), raft=raft(), checks=checks)
    return replace(view, **changes)  # type: ignore[arg-type]


def nomad_view(**changes: object) -> NomadView:
    view = NomadView(raft=raft(leader="n2"), nodes=nodes(), jobs=(job(),))
    return replace(view, **changes)  # type: ignore[arg-type]


def snapshot(networks: Iterable[NetworkName] = NETWORKS) -> Snapshot:
    """Every server sees the same healthy cluster."""
    return Snapshot(
        consul={net: {name: consul_view(net) for name in SERVERS} for net in networks},
        nomad={name: nomad_view() for name in SERVERS},
        robot=ROBOT,
        now=1000.0,
    )


def with_robot(**changes: object) -> Snapshot:
    """The robot shows this."""
    return replace(snapshot(), robot=replace(ROBOT, **changes))  # type: ignore[arg-type]


def with_consul(network: NetworkName, **changes: object) -> Snapshot:
    """Every server sees this change on one network."""
    healthy = snapshot()
    views = {name: consul_view(network, **changes) for name in SERVERS}
    return replace(healthy, consul={**healthy.consul, network: views})


def with_members(**statuses: MemberStatus | None) -> Snapshot:
    """Every server sees this change on all networks."""
    return replace(
        snapshot(),
        consul={
            net: {name: consul_view(net, members=members(**statuses)) for name in SERVERS}
            for net in NETWORKS
        },
    )


def with_nomad(**changes: object) -> Snapshot:
    return replace(snapshot(), nomad={name: nomad_view(**changes) for name in SERVERS})


def silent(*servers: str) -> Snapshot:
    """These servers answer nothing."""
    healthy = snapshot()
    unknown = {name: Unknown(f"{name} is silent") for name in servers}
    return replace(
        healthy,
        consul={net: {**views, **unknown} for net, views in healthy.consul.items()},
        nomad={**healthy.nomad, **unknown},
        robot=Unknown("no server answered") if set(SERVERS) <= set(servers) else ROBOT,
    )
