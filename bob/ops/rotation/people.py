"""The tokens that people's machines hold: the old ones end when this machine has the new ones."""

from __future__ import annotations

from bob.clients.consul import Consul
from bob.context import Context
from bob.ops.cluster_records import ClusterRecords
from bob.provision.renewing import outdated_accessors


def take_old_away(context: Context) -> None:
    """Delete the former tokens of operators, with the management tokens of this machine.

    `context` holds the new ones already. Other machines with a copy of the old ones fetch the new
    ones by themselves as long as their management token is good.
    """
    secrets = context.secrets()
    servers = tuple(node.name for node in context.servers)
    for network in context.networks:
        urls = [context.consul_url(node, network) for node in context.servers]
        token = secrets.consul_management[network].get_secret_value()
        consul = Consul.any(urls, token, context.consul_ca_file)
        if network is context.networks[0]:
            cluster = ClusterRecords(consul).cluster()
        old = outdated_accessors(cluster, network, servers, secrets, people=True)
        for accessor in old & consul.acl.accessors():
            consul.acl.delete_token(accessor)
