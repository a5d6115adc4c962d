"""May this node be taken out, and what would be at risk? Pure: a view in, reasons out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bob.catalogue import Catalogue
from bob.errors import GuardRefused, PreflightRefused, UsageError
from bob.ops.kind import Guard
from bob.ops.maintenance.guards import QUORUM_LOSS, last_instance
from bob.ops.servers import judge
from bob.ops.services.wishes import parse_wish
from bob.ops.view import ClusterView
from inventory import NetworkName

NOT_WIPED, ZONE_SPREAD, DATA = "not-wiped", "zone-spread", "data"
ZONES = 3  # with fewer, one of them holds a majority whatever one does


def is_server(view: ClusterView, node: str) -> bool:
    """The node is a server, should be one, or still acts as one."""
    return judge.is_wished(view, node) or judge.acts(view, node)


def refuse(view: ClusterView, node: str) -> None:
    """Raise for what no acceptance makes right. Nothing was changed then."""
    known = list(dict.fromkeys((*view.wishes, *(n.name for n in view.cluster.nodes))))
    judge.require(view, node, known)
    if known == [node] or view.servers == (node,):
        raise UsageError(
            f"{node} is the last server",
            cure="Promote another node first, or take the whole cluster down: bob reset",
        )
    if not view.nomad_known or NetworkName.MGMT not in view.members:
        raise PreflightRefused("Nomad or Consul gives no answer", cure="Look at: bob status")
    half = [net.value for net in view.cluster.network_names() if view.alive(node, net)]
    if half and not view.alive(node):
        raise PreflightRefused(
            f"{node} is cut off from mgmt but alive on {', '.join(half)}: "
            "it can neither be told to leave nor be taken for dead",
            cure="Mend its mgmt network, or power it off, then try again.",
        )
    if is_server(view, node):
        _refuse_server(view, node)


def guards(view: ClusterView, node: str, catalogue: Catalogue) -> Iterator[Guard]:
    """What would be at risk."""
    if is_server(view, node):
        yield from _quorum_loss(view, node)
        yield from _zone_spread(view, node)
    yield from last_instance(view, node, catalogue)
    if volumes := view.volumes.get(node):
        yield Guard(
            DATA,
            f"the volumes {', '.join(volumes)} are on {node} alone, and go with it",
            cure="Copy what they hold to another node first.",
        )
    alone = [n for n, wish in view.services.items() if parse_wish(wish).nodes == (node,)]
    if alone:
        yield Guard(
            DATA,
            f"the data of {', '.join(sorted(alone))} is on {node} alone, and goes with it",
            cure="Copy it to another node first.",
        )
    if not view.alive(node):
        yield Guard(
            NOT_WIPED,
            f"{node} does not answer, so its disks keep the cluster's keys, data and programs",
            cure="Power it on, and it is wiped.",
        )


def _refuse_server(view: ClusterView, node: str) -> None:
    if raft := judge.leaderless(view):
        raise PreflightRefused(
            f"{raft} has no leader now, so no server can leave",
            cure="bob status tells why. When servers are gone for good: bob recover-quorum.",
        )
    if judge.spare(view, node, judge.substitute(view, node)) < 0:
        raise GuardRefused(
            f"without {node} the servers that are well are no majority",
            cure="Wait until the others are well again (bob status), or add a node first.",
        )


def _quorum_loss(view: ClusterView, node: str) -> Iterator[Guard]:
    coming = judge.substitute(view, node)
    if judge.spare(view, node, coming) < min(judge.spare(view, ""), 1):
        yield Guard(
            QUORUM_LOSS,
            f"no other node can be a server instead: without {node} the loss of one more server "
            "stops the cluster",
            cure="Add a node first (bob add-node).",
        )


def _zone_spread(view: ClusterView, node: str) -> Iterator[Guard]:
    """One zone would hold a majority of the servers, and does not now."""
    coming = judge.substitute(view, node)
    after = [name for name in (*view.servers, coming) if name and name != node]
    crowded = _majority_zone(view, after)
    if crowded and not _majority_zone(view, list(view.servers)):
        yield Guard(
            ZONE_SPREAD,
            f"zone {crowded} would hold the majority of the {len(after)} servers: without {node} "
            "the loss of that zone stops the cluster",
            cure="Add a node to another zone first.",
        )


def _majority_zone(view: ClusterView, servers: list[str]) -> str:
    if len({wish.zone for wish in view.wishes.values()}) < ZONES:
        return ""
    zones = Counter(view.wishes[name].zone for name in servers)
    return next((z for z, count in zones.items() if count >= judge.majority(len(servers))), "")
