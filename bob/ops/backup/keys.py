"""Tokens and gossip keys after a restore: those that every node has now, not those of the backup.

They may have been rotated since it was made. The agents know only their own, so a Consul that was
put back has to learn them, and must not let former ones in again.
"""

from __future__ import annotations

from bob.clients.consul import Consul
from bob.context import Context
from bob.ops.cluster_records import ClusterRecords
from bob.ops.known import merged_secrets
from bob.ops.view import SERVER
from bob.provision.access import consul_access
from bob.provision.renewing import outdated_accessors


def keep_present(context: Context) -> None:
    """Have every network accept what this machine knows, and nothing older. Safe to repeat."""
    present = context.secrets()
    clients = {
        network: Consul.any(
            [context.consul_url(node, network) for node in context.servers],
            present.consul_management[network].get_secret_value(),
            context.consul_ca_file,
        )
        for network in context.networks
    }
    records = ClusterRecords(clients[context.networks[0]])
    secrets = records.change_secrets(lambda kept: merged_secrets(kept, present))
    cluster = records.cluster()
    servers = tuple(name for name, wish in records.nodes().items() if wish.role == SERVER)
    for network, consul in clients.items():
        access = consul_access(cluster, network, servers, secrets)
        for policy in access.policies:
            consul.acl.ensure_policy(policy)
        for token in access.tokens:
            consul.acl.ensure_token(token)
        known = consul.acl.accessors()
        for people in (False, True):
            old = outdated_accessors(cluster, network, servers, secrets, people=people)
            for accessor in old & known:
                consul.acl.delete_token(accessor)
