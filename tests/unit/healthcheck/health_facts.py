"""A healthy node and a healthy cluster, and ways to break them."""

from __future__ import annotations

from dataclasses import replace

from bob.clients.consul import Check, Member, MemberStatus
from bob.clients.nomad import Allocation, JobState, Node
from healthcheck.cluster.facts import ClusterFacts, ConsulFacts, NomadFacts, Wished
from healthcheck.node.facts import (
    Clock,
    Disk,
    Echo,
    Memory,
    Mount,
    Nic,
    NodeFacts,
    Pool,
    Space,
    Unit,
)

GIB = 1024**3
NETWORKS = ("mgmt", "storage", "tenant")
SERVERS = ("n1", "n2", "n3")
NODES = (*SERVERS, "n4")
ALLOCATIONS = ("aaaaaaaa-1111-4111-8111-000000000001", "aaaaaaaa-1111-4111-8111-000000000002")
WELL = Echo(0.0004, 0.001)


def members(**statuses: MemberStatus) -> tuple[Member, ...]:
    found = dict.fromkeys(NODES, MemberStatus.ALIVE) | statuses
    return tuple(
        Member(name=name, address=f"10.0.0.{number}", status=status, server=name in SERVERS)
        for number, (name, status) in enumerate(found.items(), start=1)
    )


def nic(name: str = "eth1", **changes: object) -> Nic:
    return replace(Nic(name=name, on=True, carrier=True, changes=1), **changes)  # type: ignore[arg-type]


def echoes(*silent: tuple[str, str], ahead: float = 0.001) -> dict[tuple[str, str], Echo]:
    """Every neighbour of n1 answers on every network, but for those named."""
    return {
        (network, name): Echo(0.0004, ahead)
        for network in NETWORKS
        for name in NODES[1:]
        if (network, name) not in silent
    }


def node(**changes: object) -> NodeFacts:
    """n1, on which all is well."""
    well = NodeFacts(
        node="n1",
        addresses={network: f"10.{number}.0.1" for number, network in enumerate(NETWORKS)},
        nics={network: nic(f"eth{number}") for number, network in enumerate(NETWORKS)},
        pools={network: Pool(members()) for network in NETWORKS},
        echoes=echoes(),
        spaces=(space(),),
        disks=(Disk("sda", True),),
        memory=Memory(16 * GIB, 8 * GIB, 0),
        clock=Clock(True, 0.01),
        units=tuple(Unit(name, "active", 0, "success") for name in ("consul-mgmt", "nomad")),
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def with_nic(network: str, found: Nic | None) -> NodeFacts:
    well = node()
    return replace(well, nics={**(well.nics or {}), network: found})


def with_pool(network: str, *silent: str, error: str = "", **statuses: MemberStatus) -> NodeFacts:
    """One network sees these members otherwise, and these neighbours do not answer there."""
    well = node()
    return replace(
        well,
        pools={**(well.pools or {}), network: Pool(members(**statuses), error)},
        echoes=echoes(*((network, name) for name in silent)),
    )


def space(**changes: object) -> Space:
    well = Space(
        Mount("/", "ext4"), size=100 * GIB, free=60 * GIB, inodes=1000_000, inodes_free=900_000
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def check(
    name: str, service: str, status: str = "passing", output: str = "", *, instance: str = ""
) -> Check:
    return Check(
        node=name, id=instance or service, name=service, status=status, output=output,
        service_id="" if service == "serfHealth" else instance or service,
        service_name="" if service == "serfHealth" else service,
    )  # fmt: skip


CHECKS = tuple(check(name, service) for name in NODES for service in ("serfHealth", "nodecheck"))


def consul(**changes: object) -> ConsulFacts:
    well = ConsulFacts(
        leader="n1",
        voters=frozenset(SERVERS),
        wishes={
            name: Wished("server" if name in SERVERS else "client", "member") for name in NODES
        },
        checks=CHECKS,
        robot=True,
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def nomad(**changes: object) -> NomadFacts:
    well = NomadFacts(
        leader="n2",
        voters=frozenset(SERVERS),
        nodes=tuple(
            Node(f"id-{name}", name, "", "ready", eligible=True, draining=False) for name in NODES
        ),
        jobs=(job(),),
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def job(**changes: object) -> JobState:
    well = JobState(
        id="demo", namespace="default", name="demo", type="service", stopped=False, desired=2,
        allocations=tuple(
            Allocation(identity, "web", f"id-{name}", "running", True, 0)
            for identity, name in zip(ALLOCATIONS, ("n3", "n4"), strict=True)
        ),
    )  # fmt: skip
    return replace(well, **changes)  # type: ignore[arg-type]


def cluster(**changes: object) -> ClusterFacts:
    """A cluster in which all is well."""
    well = ClusterFacts(
        pools={network: members() for network in NETWORKS}, consul=consul(), nomad=nomad()
    )
    return replace(well, **changes)  # type: ignore[arg-type]
