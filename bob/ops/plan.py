"""What lies between an inventory file and the cluster, as operations. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bob.catalogue import Catalogue, instances
from bob.ops.kind import Request
from bob.ops.kinds import settings
from bob.ops.services.wishes import parse_wish
from bob.ops.view import JOINING, ClusterView
from inventory import Cluster, Node

ADD, REMOVE, UPGRADE = "add-node", "remove-node", "upgrade"
PASSWORD = {"bmc": {"password"}}


def differences(wanted: Cluster, view: ClusterView) -> tuple[Request, ...]:
    """The operations that make the cluster as wanted, in an order that is safe.

    Nodes are added before others go, so that instances and votes have a place to move to. The
    number of servers is a setting: the robot then promotes and demotes by itself. The parameters
    of `add-node` hold the node; what the host itself has to tell is asked when it is added.
    """
    return (
        *_added(wanted, view),
        *_set(wanted, view),
        *_removed(wanted, view),
        *_upgraded(wanted, view),
    )


def by_hand(wanted: Cluster, view: ClusterView) -> tuple[str, ...]:
    """Differences that no operation makes, each with what to do."""
    return tuple(_by_hand(wanted, view))


def following(wanted: Cluster, view: ClusterView, catalogue: Catalogue) -> tuple[str, ...]:
    """How many instances the robot will run of services whose number follows the cluster."""
    return tuple(_following(wanted, view, catalogue.extended(view.catalogue)))


def sentence(request: Request) -> str:
    """An operation of a plan, for people."""
    if request.kind == settings.NAME:
        values = ", ".join(f"{name} {_value(value)}" for name, value in request.params.items())
        return f"set {values}"
    if request.kind == UPGRADE:
        versions = request.params["versions"]
        return "upgrade " + ", ".join(f"{name} to {value}" for name, value in versions.items())
    if request.kind == ADD:
        node = request.params["node"]
        return f"add {request.target} ({node['addresses']['mgmt']}, zone {node['zone']})"
    return f"remove {request.target}"


def _added(wanted: Cluster, view: ClusterView) -> Iterator[Request]:
    for node in wanted.nodes:
        if node.name not in view.wishes or view.wishes[node.name].state == JOINING:
            yield Request(ADD, node.name, {"node": node.model_dump(mode="json", exclude=PASSWORD)})


def _removed(wanted: Cluster, view: ClusterView) -> Iterator[Request]:
    """Clients before servers: a client that stays may have to take the place of a server."""
    kept = {node.name for node in wanted.nodes}
    for name in (*view.clients, *view.servers):
        if name not in kept:
            yield Request(REMOVE, name)


def _set(wanted: Cluster, view: ClusterView) -> Iterator[Request]:
    before, after = settings.settings_of(view.cluster), settings.settings_of(wanted)
    changed = {name: value for name, value in after.items() if value != before[name]}
    if changed:
        yield Request(settings.NAME, view.cluster.name, changed)


def _upgraded(wanted: Cluster, view: ClusterView) -> Iterator[Request]:
    before, after = view.cluster.versions.model_dump(), wanted.versions.model_dump()
    changed = {name: value for name, value in after.items() if value != before[name]}
    if changed:
        yield Request(UPGRADE, view.cluster.name, {"versions": changed})


def _following(wanted: Cluster, view: ClusterView, catalogue: Catalogue) -> Iterator[str]:
    for name, document in sorted(view.services.items()):
        wish = parse_wish(document)
        if wish.scaled or name not in catalogue.names():
            continue
        rule = catalogue.service(name).count
        if isinstance(rule, int) or instances(rule, len(wanted.nodes)) == wish.count:
            continue
        count = instances(rule, len(wanted.nodes))
        yield f"{name}: {wish.count} -> {count} instances ({rule})"


def _by_hand(wanted: Cluster, view: ClusterView) -> Iterator[str]:
    if wanted.networks != view.cluster.networks:
        yield "networks: they are settled when a cluster is made"
    known = {node.name: node for node in view.cluster.nodes}
    for node in wanted.nodes:
        before = known.get(node.name) if node.name in view.wishes else None
        if before and (changed := _changed(before, node)):
            yield f"{node.name}: {', '.join(changed)} changed: remove the node, then add it again"


def _changed(before: Node, after: Node) -> list[str]:
    """What differs of a node. How its BMC is logged in to is a matter of each machine."""
    same_bmc = (before.bmc and before.bmc.address) == (after.bmc and after.bmc.address)
    differs = {
        "zone": before.zone != after.zone,
        "addresses": before.addresses != after.addresses,
        "roles": before.roles != after.roles,
        "bmc": not same_bmc,
    }
    return [name for name, changed in differs.items() if changed]


def _value(value: object) -> str:
    return "by default" if value is None else str(value)
