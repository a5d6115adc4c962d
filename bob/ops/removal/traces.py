"""What the cluster remembers of a node, and forgetting it.

A node is known to the gossip and the catalog of each network, to Nomad (as a node, under one id for
each installation, and as a server), to every raft it was in, to the rules of access, and to the
cluster's own records. `traces` finds all of it, `forget` removes all of it, both as often as one
likes. Finished operations keep its name.
"""

from __future__ import annotations

from collections.abc import Iterator

from bob.clients.consul import Consul
from bob.ops.cluster_records import NODES, ClusterRecords
from bob.ops.context import LeaderContext
from bob.ops.node_material import CERTIFICATES, FACTS
from bob.ops.servers.retire import leave
from bob.ops.tasks import PAYLOADS, TASKS
from bob.provision.access import HEALTH_KEYS, node_accessors, node_policies
from bob.provision.certificates import NOMAD_REGION
from bob.provision.secrets import Secrets
from inventory import Cluster, NetworkName
from inventory.values import FrozenMapping


def traces(context: LeaderContext, node: str) -> tuple[str, ...]:
    """Where the node is still known, in words; empty when it is forgotten."""
    return (
        *(where for network in context.networks for where in _in_consul(context, network, node)),
        *_in_nomad(context, node),
        *_in_records(context.consul, context.records, node),
    )


def forget(context: LeaderContext, node: str) -> None:
    """Remove every trace. The node must neither run nor vote; the records go last.

    Gossip takes a moment to forget: ask `traces` again until there are none.
    """
    cluster = context.records.cluster()
    generation = context.records.secrets().generation
    leave_rafts(context, node)
    for network, consul in context.networks.items():
        # Not a member any more before it leaves the catalog: the leader puts members back there.
        if any(member.name == node for member in consul.agent.members()):
            consul.agent.force_leave(node)
        if any(known.name == node for known in consul.catalog.nodes()):
            consul.catalog.deregister(node)
        for accessor in node_accessors(cluster, network, node, generation):
            consul.acl.delete_token(accessor)
        for policy in node_policies(node):
            consul.acl.delete_policy(policy)
    _forget_in_nomad(context, node)
    _forget_records(context.records, node)


def leave_rafts(context: LeaderContext, node: str) -> None:
    """Take the node out of every quorum; one that still runs as a server comes back.

    Raises `Temporary` when the others would be no majority without it.
    """
    for name, operator in context.operators.items():
        leave(operator, node, name)


def without_node(secrets: Secrets, node: str) -> Secrets:
    """The secrets of a cluster that no longer has this node."""
    return secrets.model_copy(
        update={
            field: FrozenMapping(
                {name: value for name, value in getattr(secrets, field).items() if name != node}
            )
            for field in ("consul_agents", "nomad_agents", "bob_agents", "healthchecks")
        }
    )


def without(cluster: Cluster, node: str) -> Cluster:
    """The inventory without this node."""
    left = tuple(known for known in cluster.nodes if known.name != node)
    return cluster.model_copy(update={"nodes": left})


def _in_consul(context: LeaderContext, network: NetworkName, node: str) -> Iterator[str]:
    consul = context.networks[network]
    if any(member.name == node for member in consul.agent.members()):
        yield f"a member of {network.value}"
    if any(known.name == node for known in consul.catalog.nodes()):
        yield f"in the catalog of {network.value}"
    if any(peer.name == node for peer in consul.operator.raft().peers):
        yield f"a raft peer of {network.value}"
    generation = context.records.secrets().generation
    accessors = node_accessors(context.records.cluster(), network, node, generation)
    if consul.acl.accessors().intersection(accessors):
        yield f"with tokens on {network.value}"


def _in_nomad(context: LeaderContext, node: str) -> Iterator[str]:
    nomad = context.nomad
    if any(known.name == node for known in nomad.state.nodes()):
        yield "a node of Nomad"
    if any(server.name == node for server in nomad.state.servers()):
        yield "a server of Nomad"
    if any(peer.name == node for peer in nomad.operator.raft().peers):
        yield "a raft peer of Nomad"


def _in_records(consul: Consul, records: ClusterRecords, node: str) -> Iterator[str]:
    keys = [key for key in _keys(node) if consul.kv.get(key)]
    keys += [key for folder in _folders(node) for key in consul.kv.keys(folder)]
    if keys:
        yield f"in {', '.join(keys)}"
    if without_node(secrets := records.secrets(), node) != secrets:
        yield "among the secrets"
    if without(cluster := records.cluster(), node) != cluster:
        yield "in the inventory"


def _forget_in_nomad(context: LeaderContext, node: str) -> None:
    nomad = context.nomad
    for server in nomad.state.servers():
        if server.name == node:
            nomad.operator.force_leave(f"{node}.{NOMAD_REGION}", prune=True)
    for known in nomad.state.nodes():
        if known.name == node:
            nomad.nodes.purge(known.id)


def _forget_records(records: ClusterRecords, node: str) -> None:
    for folder in _folders(node):
        records.delete_tree(folder)
    for key in _keys(node):
        records.put(key, None)
    records.change_secrets(lambda secrets: without_node(secrets, node))
    records.change_cluster(lambda cluster: without(cluster, node))


def _folders(node: str) -> tuple[str, ...]:
    return (f"{TASKS}{node}/", f"{PAYLOADS}{node}/")


def _keys(node: str) -> tuple[str, ...]:
    own = (FACTS, CERTIFICATES, f"{HEALTH_KEYS}nodes/", NODES)
    return tuple(f"{folder}{node}" for folder in own)
