"""A cluster that looks after itself: `bob init` must not undo what its robot has done since."""

from __future__ import annotations

from dataclasses import dataclass

from bob import logs
from bob.clients.consul import Consul
from bob.context import Context
from bob.errors import BobError, GuardRefused
from bob.ops.cluster_records import ClusterRecords
from bob.ops.consul_store import ConsulStore
from bob.ops.record import Operation
from bob.ops.states import State
from bob.ops.view import SERVER
from inventory import Cluster, NetworkName
from inventory.placement import choose_servers

SECONDS = 2.5  # a cluster that does not answer is one to work on
# Operations that change nothing of what `bob init` puts on hosts.
HARMLESS = frozenset(
    {
        "init", "deploy", "undeploy", "scale", "configure", "restart", "rollback", "maintain",
        "backup",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Existing:
    """What a cluster says of itself: digest of its inventory, its servers, its operations."""

    inventory: str
    servers: frozenset[str]
    operations: tuple[Operation, ...]


def look(cluster: str) -> Existing | None:
    """Ask the cluster of that name; None when it does not answer, or is not known here."""
    try:
        context = Context.load(cluster)
        token = context.secrets().consul_management[NetworkName.MGMT].get_secret_value()
        urls = [context.consul_url(node) for node in context.servers]
        consul = Consul.any(urls, token, context.consul_ca_file, SECONDS)
        records = ClusterRecords(consul)
        wishes = records.nodes()
        return Existing(
            inventory=records.cluster().digest(),
            servers=frozenset(name for name, wish in wishes.items() if wish.role == SERVER),
            operations=tuple(ConsulStore(consul).list()),
        )
    except BobError as error:
        logs.get().info("no cluster yet", reason=str(error))
        return None


def refuse_changed(cluster: Cluster, found: Existing) -> None:
    """Raise `GuardRefused` unless the cluster has this inventory."""
    if found.inventory != cluster.digest():
        raise GuardRefused(
            f"the cluster {cluster.name} exists and looks after itself: "
            "what it was last told to be differs from this inventory",
            cure="bob plan shows the differences, bob apply makes them; "
            "bob add-node brings in a bare host.",
        )


def reshaped(cluster: Cluster, found: Existing) -> str:
    """What the robot has made otherwise than `bob init` would; empty when nothing."""
    for operation in reversed(found.operations):
        if operation.kind not in HARMLESS and operation.state is not State.ABORTED:
            return f"{operation.kind} {operation.target}"
    if found.servers != frozenset(choose_servers(cluster)):
        return f"its servers are {', '.join(sorted(found.servers))}"
    return ""
