"""What the operator's machine keeps of a cluster follows what the cluster says of itself.

Nodes come and go, clients become servers, tokens are replaced: without this, commands would ask
servers that are gone, with tokens that are void.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from bob import logs
from bob.clients.consul import Consul
from bob.context import INVENTORY_FILE, SECRETS_FILE, Context
from bob.errors import BobError
from bob.ops.cluster_records import ClusterRecords
from bob.ops.view import SERVER
from bob.provision.private_files import locked, read_private, write_private
from bob.provision.secrets import Secrets, dump
from inventory import Cluster, NetworkName, Node
from inventory.values import FrozenMapping

SECONDS = 2.5  # for each read; a command must not wait long for what it can do without

T = TypeVar("T")
K = TypeVar("K")


def refresh(context: Context) -> Context:
    """Bring the files of a cluster up to date; the context as it is then.

    What cannot be read now stays as it is: this never stops a command.
    """
    try:
        return _refreshed(context)
    except (BobError, OSError, ValueError) as error:
        logs.get().warning("not refreshed", error=str(error))
        return context


def merged_inventory(kept: Cluster | None, recorded: Cluster) -> Cluster:
    """The cluster's inventory with what only this machine knows.

    The way to hosts and to programs, and passwords of BMCs, are matters of the machine.
    """
    if kept is None:
        return recorded
    known = {node.name: node for node in kept.nodes}
    nodes = tuple(_with_login(node, known.get(node.name)) for node in recorded.nodes)
    own = {"ssh": kept.ssh, "toolchain": kept.toolchain, "nodes": nodes}
    return recorded.model_copy(update=own)


def merged_secrets(kept: Secrets, recorded: Secrets) -> Secrets:
    """The cluster's secrets, with those that were made here and are not recorded yet.

    `bob init` makes the secrets of new nodes on this machine before the cluster has them.
    """
    merged = {
        name: FrozenMapping({**old, **new}) if isinstance(new, Mapping) else new
        for (name, old), (_, new) in zip(kept, recorded, strict=True)
    }
    return recorded.model_copy(update=merged)


def _refreshed(context: Context) -> Context:
    kept = context.secrets()
    urls = [context.consul_url(node) for node in context.servers]
    token = kept.consul_management[NetworkName.MGMT].get_secret_value()
    records = ClusterRecords(Consul.any(urls, token, context.consul_ca_file, SECONDS))
    cluster = records.cluster()
    servers = [name for name, wish in records.nodes().items() if wish.role == SERVER]
    if cluster.name != context.cluster or not servers:
        return context
    _replace(context, INVENTORY_FILE, _document(context, cluster))
    with locked(context.folder):
        _replace(context, SECRETS_FILE, dump(merged_secrets(context.secrets(), records.secrets())))
    found = Context.of(cluster, servers)
    if found != context:
        found.write()
        logs.get().info("refreshed", servers=servers, nodes=[node.name for node in found.nodes])
    return found


def _document(context: Context, recorded: Cluster) -> bytes:
    content = read_private(context.folder / INVENTORY_FILE)
    kept = Cluster.model_validate_json(content) if content else None
    return merged_inventory(kept, recorded).model_dump_json(indent=2, by_alias=True).encode()


def _replace(context: Context, name: str, content: bytes) -> None:
    path = context.folder / name
    if read_private(path) != content:
        write_private(path, content)


def _with_login(node: Node, kept: Node | None) -> Node:
    if kept is None or kept.bmc is None or node.bmc is None:
        return node
    if (kept.bmc.address, kept.bmc.user) != (node.bmc.address, node.bmc.user):
        return node
    return node.model_copy(update={"bmc": kept.bmc})
