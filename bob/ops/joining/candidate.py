"""May this node become a member? Pure: the inventory and a view in, a refusal or nothing out."""

from __future__ import annotations

from collections.abc import Iterator

from bob.errors import PreflightRefused, UsageError
from bob.ops.joining.wanted import Wanted
from bob.ops.removal.traces import without
from bob.ops.view import JOINING, LEAVING, SERVER, ClusterView
from inventory import Cluster, Node
from inventory.facts import BmcFact, Facts, NodeFact
from inventory.laws import (
    Finding,
    addresses_are_unique,
    addresses_lie_in_their_network,
    judge,
    nodes_are_on_every_network,
)
from inventory.model import SINGLE_SERVER

LAWS = (nodes_are_on_every_network, addresses_lie_in_their_network, addresses_are_unique)


def refuse(view: ClusterView, wanted: Wanted) -> None:
    """Raise `UsageError` or `PreflightRefused` when the node cannot be added."""
    refuse_unlawful(view.cluster, wanted.node)
    refuse_member(view, wanted.node, again=wanted.again)


def refuse_unlawful(cluster: Cluster, node: Node) -> None:
    """Raise `UsageError` with every law of the inventory that the node would break."""
    broken = list(_broken(cluster, node))
    if broken:
        lines = "\n  ".join(broken)
        raise UsageError(
            f"{node.name} does not fit into the cluster {cluster.name}:\n  {lines}",
            cure="Correct what you give of the node; `bob status` shows the others.",
        )


def member_reason(view: ClusterView, node: Node) -> str:
    """That the node is a sound member already; empty when it is not."""
    wish = view.wishes.get(node.name)
    if wish is None or wish.state == JOINING or not view.whole(node.name):
        return ""
    return f"{node.name} is a member already" if _as_known(view, node) else ""


def refuse_member(view: ClusterView, node: Node, *, again: bool) -> None:
    """A member may be added again only when its host was installed anew (`again`)."""
    name, wish = node.name, view.wishes.get(node.name)
    if wish is None or wish.state == JOINING:
        return
    if wish.state == LEAVING:
        raise PreflightRefused(
            f"{name} is being removed", cure="Wait for it (bob op ls), then try again."
        )
    if not _as_known(view, node):
        raise UsageError(
            f"{name} is a member with other addresses",
            cure=f"Give the node another name, or take the old one out: bob remove-node {name}",
        )
    if view.alive(name):
        raise PreflightRefused(
            f"{name} is a member already, and alive, but not healthy",
            cure=f"See bob status; to set it up anew: bob remove-node {name}, then add it.",
        )
    if wish.role == SERVER:
        raise PreflightRefused(
            f"{name} is still meant to be a server: it cannot be set up anew as long as it is",
            cure="Wait until the robot has replaced it (bob status), or take it out first: "
            f"bob remove-node {name}",
        )
    if not again:
        raise PreflightRefused(
            f"{name} is a member that is down: its host was not installed anew",
            cure=f"Look at journalctl -u 'consul-*' on {name}; to set it up anew: "
            f"bob remove-node {name}, then add it.",
        )


def _as_known(view: ClusterView, node: Node) -> bool:
    return any(
        known.name == node.name and known.addresses == node.addresses
        for known in view.cluster.nodes
    )


def _broken(cluster: Cluster, node: Node) -> Iterator[str]:
    others = without(cluster, node.name).nodes
    place = ("nodes", len(others))
    facts = Facts(
        declared=frozenset(network.value for network in cluster.network_names()),
        ranges={name: network.cidr for name, network in cluster.networks.items()},
        nodes=tuple(_fact(position, each) for position, each in enumerate((*others, node))),
        servers=cluster.servers,
        five_servers_from=cluster.five_servers_from,
        single_server=cluster.single_server == SINGLE_SERVER,
        files=(),
    )
    for finding in judge(facts, LAWS):
        if finding.place[:2] == place:
            yield finding.message + _whose(finding, (*others, node))


def _whose(finding: Finding, nodes: tuple[Node, ...]) -> str:
    if finding.first is None or not isinstance(finding.first[1], int):
        return ""
    what = "the BMC of " if "bmc" in finding.first else ""
    return f": by {what}{nodes[finding.first[1]].name}"


def _fact(position: int, node: Node) -> NodeFact:
    place = ("nodes", position)
    bmc = BmcFact((*place, "bmc"), node.bmc.address, ()) if node.bmc else None
    return NodeFact(
        place=place,
        name=node.name,
        zone=node.zone,
        has_zone=True,
        named=frozenset(network.value for network in node.addresses),
        addresses=dict(node.addresses),
        bmc=bmc,
    )
