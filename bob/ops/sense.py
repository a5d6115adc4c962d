"""Makes a `ClusterView`: one request for each kind of data, whatever the number of nodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from bob import logs
from bob.clients import quorum
from bob.clients.consul import Consul, MemberStatus
from bob.clients.nomad import Node, Nomad
from bob.errors import BobError
from bob.ops.cluster_records import ClusterRecords
from bob.ops.consul_store import ACTIVE
from bob.ops.view import ClusterView, Quorum
from inventory import NetworkName

SERVICES = "bob/services/"
CATALOGUE = "bob/catalogue/"
GENERATIONS = "bob/generations/"
TUNING = "bob/tuning"
UNTIL = "bob/certificates"
T = TypeVar("T")


def sense(
    networks: Mapping[NetworkName, Consul],
    nomad: Nomad,
    now: Callable[[], float] = time.time,
) -> ClusterView:
    """Look at everything. What does not answer is unknown in the view, but for mgmt's KV.

    Raises `Unreachable` when that does not answer: then nothing can be recorded either.
    """
    mgmt = networks[NetworkName.MGMT]
    records = ClusterRecords(mgmt)
    members = {network: _ask(consul.agent.members) for network, consul in networks.items()}
    gossip = _ask(nomad.state.servers)
    nodes = _ask(nomad.state.nodes)
    jobs = _ask(nomad.state.job_states)
    volumes = _ask(nomad.state.host_volumes)
    known = _by_name(nodes or ())
    return ClusterView(
        now=now(),
        cluster=records.cluster(),
        wishes=records.nodes(),
        members={
            network: {member.name: member for member in found}
            for network, found in members.items()
            if found is not None
        },
        consul={network: _quorum(consul.operator) for network, consul in networks.items()},
        nomad=_quorum(nomad.operator),
        nodes=known,
        former_nodes=tuple(node for node in nodes or () if node is not known[node.name]),
        nomad_gossip={server.name: server.status == MemberStatus.ALIVE for server in gossip or ()},
        volumes=_volumes(nodes or (), volumes or ()),
        jobs={job.id: job for job in jobs or ()},
        services={
            entry.key.removeprefix(SERVICES): entry.json() for entry in mgmt.kv.list(SERVICES)
        },
        catalogue=stored_catalogue(mgmt),
        generations={
            entry.key.removeprefix(GENERATIONS): int(entry.value)
            for entry in mgmt.kv.list(GENERATIONS)
        },
        certificates_until=until.json()["until"] if (until := mgmt.kv.get(UNTIL)) else None,
        tuning=tuning.json() if (tuning := mgmt.kv.get(TUNING)) else None,
        held={
            entry.key.removeprefix(ACTIVE): entry.value.decode() for entry in mgmt.kv.list(ACTIVE)
        },
        nomad_known=nodes is not None and jobs is not None,
    )


def stored_catalogue(consul: Consul) -> dict[str, str]:
    """The services that operators added: texts by path ("web/service.yaml")."""
    return {
        entry.key.removeprefix(CATALOGUE): entry.value.decode(errors="replace")
        for entry in consul.kv.list(CATALOGUE)
    }


def _quorum(operator: quorum.Operator) -> Quorum:
    raft = _ask(lambda: operator.raft(stale=True))
    # Without a leader the question of its judgement hangs until the time limit.
    health = _ask(operator.autopilot) if raft and raft.leader else None
    return Quorum(raft, health)


def _by_name(nodes: tuple[Node, ...]) -> dict[str, Node]:
    """A node that was installed anew is known by two ids for a day: the ready one counts."""
    found: dict[str, Node] = {}
    for node in nodes:
        if node.name not in found or node.ready:
            found[node.name] = node
    return found


def _volumes(
    nodes: tuple[Node, ...], volumes: tuple[tuple[str, str], ...]
) -> dict[str, tuple[str, ...]]:
    """Names of volumes by name of node, whatever the installation they are from."""
    names = {node.id: node.name for node in nodes}
    found: dict[str, tuple[str, ...]] = {}
    for node, volume in volumes:
        if node in names:
            found[names[node]] = (*found.get(names[node], ()), volume)
    return found


def _ask(question: Callable[[], T]) -> T | None:
    try:
        return question()
    except BobError as error:
        logs.get().warning("not known", error=str(error))
        return None
