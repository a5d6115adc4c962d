"""A view of a big cluster, and the CPU time that the leader takes to judge it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from bob.clients.consul import Member, MemberStatus
from bob.clients.nomad import Allocation, JobState, Node
from bob.clients.quorum import AutopilotHealth, AutopilotServer, RaftConfiguration, RaftPeer
from bob.ops.record import Operation, StepRecord
from bob.ops.view import CLIENT, MAINTENANCE, SERVER, ClusterView, NodeWish, Quorum
from bob.robot.decide import Look, Mode, Seen, decide
from bob.robot.duty import Memory, duties
from inventory import Cluster, NetworkName

NODES, SERVICES, INSTANCES, OPERATIONS = 1000, 50, 20, 200
SERVERS = tuple(f"n{number}" for number in range(1, 6))
ZONES = 10
NOW = 1_700_000_000.0
LOOKS = 15
STEPS = tuple(StepRecord(name=name, title=name) for name in ("wish", "jobs", "settled"))


def measure_cycles() -> dict[str, float]:
    """Milliseconds of one cycle by what the cluster is like: the median of some looks."""
    records = operations()
    whole = view()
    scenes = {
        "all is well": whole,
        "a server is dead": dead(whole, "n1"),
        "a third of the nodes is dead": dead(whole, *list(whole.wishes)[5::3]),
        "a server is missing": without_wish(whole),
        "two servers in one zone": replace(
            whole, wishes={**whole.wishes, "n1": NodeWish(role=SERVER, zone="z2")}
        ),
        "a hundred nodes in maintenance": replace(
            whole,
            wishes={
                name: wish.model_copy(update={"state": MAINTENANCE}) if 100 <= place < 200 else wish
                for place, (name, wish) in enumerate(whole.wishes.items())
            },
        ),
        "all jobs are gone": replace(whole, jobs={}),
    }
    return {scene: measure(seen, records) for scene, seen in scenes.items()}


def measure(seen: ClusterView, records: tuple[Seen, ...]) -> float:
    """Milliseconds that operations and all duties take together; seconds pass between looks."""
    memories: dict[str, Memory] = {duty.name: {} for duty in duties()}
    took = []
    for turn in range(LOOKS):
        now = 1000.0 + 20 * turn
        began = time.thread_time()
        decide(Look(records, dict.fromkeys(("op0", "op1"), Mode.RUN)), now)
        for duty in duties():
            duty.decide(replace(seen, now=NOW + now), now, memories[duty.name])
        took.append(1000 * (time.thread_time() - began))
    return statistics.median(took)


def operations() -> tuple[Seen, ...]:
    """Unfinished ones: each scales or maintains something else."""
    return tuple(
        Seen(
            Operation(
                id=f"op{number}", kind="maintain", target=f"n{number + 10}",
                scopes=(f"node/n{number + 10}",), steps=STEPS,
            ),
            number,
        )
        for number in range(OPERATIONS)
    )  # fmt: skip


def view() -> ClusterView:
    """Five servers in five of ten zones, clients, three networks, services that run."""
    cluster = _cluster()
    names = [node.name for node in cluster.nodes]
    raft = _quorum()
    return ClusterView(
        now=NOW,
        cluster=cluster,
        wishes={
            node.name: NodeWish(role=SERVER if node.name in SERVERS else CLIENT, zone=node.zone)
            for node in cluster.nodes
        },
        members={network: _members(names) for network in NetworkName},
        consul=dict.fromkeys(NetworkName, raft),
        nomad=raft,
        nodes={name: Node(f"id-{name}", name, "", "ready", True, False) for name in names},
        jobs={f"s{number}": _job(number, names) for number in range(SERVICES)},
        services={
            f"s{number}": {"count": INSTANCES, "job_version": 3, "definition": "d"}
            for number in range(SERVICES)
        },
        certificates_until=NOW + 1e8,
        held={f"node/n{number + 10}": f"op{number}" for number in range(OPERATIONS)},
    )


def dead(seen: ClusterView, *lost: str) -> ClusterView:
    """The same cluster with hosts that fell silent everywhere."""
    members = {
        network: {
            **found,
            **{name: replace(found[name], status=MemberStatus.FAILED) for name in lost},
        }
        for network, found in seen.members.items()
    }
    raft = _quorum(frozenset(lost))
    return replace(seen, members=members, consul=dict.fromkeys(NetworkName, raft), nomad=raft)


def without_wish(seen: ClusterView) -> ClusterView:
    """One server is wished to be a client from now on, and runs as a server still."""
    return replace(
        seen, wishes={**seen.wishes, "n1": NodeWish(role=CLIENT, zone=seen.wishes["n1"].zone)}
    )


def _cluster() -> Cluster:
    networks = {"mgmt": "10.1", "storage": "10.2", "tenant": "10.3"}
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {name: {"cidr": f"{net}.0.0/16"} for name, net in networks.items()},
            "nodes": [
                {
                    "name": f"n{number}",
                    "zone": f"z{number % ZONES}",
                    "addresses": {
                        name: str(IPv4Address(f"{net}.0.0") + number)
                        for name, net in networks.items()
                    },
                }
                for number in range(1, NODES + 1)
            ],
        }
    )


def _members(names: list[str]) -> Mapping[str, Member]:
    return {name: Member(name, "", MemberStatus.ALIVE, name in SERVERS) for name in names}


def _quorum(lost: frozenset[str] = frozenset()) -> Quorum:
    leader = next(name for name in SERVERS if name not in lost)
    peers = tuple(RaftPeer(n, n, n, True, n == leader) for n in SERVERS)
    servers = tuple(
        AutopilotServer(n, n, n not in lost, True, n == leader, "2020-01-01T00:00:00Z")
        for n in SERVERS
    )
    return Quorum(RaftConfiguration(peers), AutopilotHealth(not lost, 2, servers))


def _job(number: int, names: list[str]) -> JobState:
    places = [names[(number * INSTANCES + place) % len(names)] for place in range(INSTANCES)]
    allocations = tuple(
        Allocation(f"{number}-{name}", "g", f"id-{name}", "running", True, 3) for name in places
    )
    name = f"s{number}"
    return JobState(name, "default", name, "service", False, INSTANCES, allocations, 3)
