"""Has a node's agent make the node a server or a client."""

from __future__ import annotations

from collections.abc import Sequence

from bob.ops.context import OperationContext
from bob.ops.node_material import encode_files, wanted_files
from bob.ops.view import ClusterView
from bob.provision import access
from bob.provision.agents import HEALTH_UNIT, NOMAD_UNIT, consul_agents
from bob.waiting import Deadline
from inventory import NetworkName

TASK = "configure"


def configure(
    context: OperationContext,
    node: str,
    servers: Sequence[str],
    step: str,
    deadline: Deadline,
    *,
    forget_raft: bool = False,
) -> None:
    """Give `node` the files it has in a cluster of these servers, and restart what reads them.

    `forget_raft`: it was a server. Nomad is out of its raft by then, so it is the first.
    """
    grant(context, node, servers)
    files = wanted_files(context.consul, context.records, node, servers)
    units = [agent.unit for agent in consul_agents(context.records.cluster())]
    order = [NOMAD_UNIT, *units] if forget_raft else [*units, NOMAD_UNIT]
    args = {"restart": [*order, HEALTH_UNIT], "forget_raft": forget_raft}
    context.tasks.start(node, step, TASK, args, encode_files(files))
    context.tasks.wait(node, step, deadline)


def grant(context: OperationContext, node: str, servers: Sequence[str]) -> None:
    """Give the tokens of `node` the rights they have in a cluster of these servers."""
    records = context.records
    cluster, secrets = records.cluster(), records.secrets()
    own = secrets.nomad_agents[node].get_secret_value()
    rules = access.consul_access(cluster, NetworkName.MGMT, servers, secrets)
    for token in rules.tokens:
        if token.secret_id == own:
            context.consul.acl.ensure_token(token)


def servers_of(view: ClusterView, *, adding: str = "", without: str = "") -> tuple[str, ...]:
    """The servers in the order of the inventory, with one more or one less."""
    wanted = {*view.servers, adding} - {without}
    return tuple(node.name for node in view.cluster.nodes if node.name in wanted)
