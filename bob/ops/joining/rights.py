"""Policies and tokens of one node, on one network."""

from __future__ import annotations

from collections.abc import Sequence

from bob.clients.consul import Acl
from bob.provision.access import Access, consul_access
from bob.provision.secrets import Secrets
from inventory import Cluster, NetworkName


def rights_of(
    cluster: Cluster, network: NetworkName, node: str, servers: Sequence[str], secrets: Secrets
) -> Access:
    """What exists for this node and no other, in the datacenter of `network`."""
    nobody = cluster.model_copy(update={"nodes": ()})
    alone = cluster.model_copy(update={"nodes": (cluster.node(node),)})
    general = consul_access(nobody, network, servers, secrets)
    found = consul_access(alone, network, servers, secrets)
    return Access(
        tuple(policy for policy in found.policies if policy not in general.policies),
        tuple(token for token in found.tokens if token not in general.tokens),
    )


def missing(acl: Acl, rights: Access) -> bool:
    """Whether a token is not there."""
    return bool({token.accessor_id for token in rights.tokens} - acl.accessors())


def grant(acl: Acl, rights: Access) -> None:
    """Create or correct them."""
    for policy in rights.policies:
        acl.ensure_policy(policy)
    for token in rights.tokens:
        acl.ensure_token(token)
