"""The files a node should have, made from what the cluster knows of itself.

Certificates are kept in `bob/secret/pki/<node>`, so that the next leader makes the same files and
no agent restarts for nothing. `bob/facts/<node>` remembers how the host resolved names before.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from bob.clients.consul import Consul
from bob.ops.cluster_records import ClusterRecords
from bob.provision import certificates
from bob.provision.access import SECRET_KEYS
from bob.provision.certificates import NodeCertificates
from bob.provision.issuing import KeyPair, LeafRequest, issue, renewal_reason
from bob.provision.node_files import NodeFile, files_for
from bob.provision.pki import Authorities
from bob.provision.resolver import Resolver
from inventory import Cluster, NetworkName, Node

CERTIFICATES = f"{SECRET_KEYS}pki/"
FACTS = "bob/facts/"
NOMAD = "nomad"


def wanted_files(
    consul: Consul, records: ClusterRecords, node: str, servers: Sequence[str]
) -> tuple[NodeFile, ...]:
    """All files of `node` in a cluster whose servers are `servers`.

    Certificates that are missing, near their end or of another role are issued and kept.
    """
    cluster, authorities = records.cluster(), records.authorities()
    known = cluster.node(node)
    issued = _certificates(consul, records, cluster, known, authorities, server=node in servers)
    return files_for(
        cluster, known, servers, records.secrets(), authorities, issued, resolver_of(consul, node),
        bootstrap=False,
    )  # fmt: skip


def remember_resolver(records: ClusterRecords, node: str, resolver: Resolver) -> None:
    """Keep how a host resolved names before Consul did."""
    records.put(FACTS + node, json.dumps({"resolver": asdict(resolver)}, indent=2))


def resolver_of(consul: Consul, node: str) -> Resolver:
    """What was kept of a host; the default when nothing was."""
    entry = consul.kv.get(FACTS + node)
    if entry is None:
        return Resolver()
    kept = entry.json()["resolver"]
    return Resolver(tuple(kept["upstream"]), tuple(kept["search"]), kept["resolved"])


def remember_certificates(records: ClusterRecords, node: str, issued: NodeCertificates) -> None:
    """Keep a node's certificates with their keys."""
    pairs = {_name(network): pair for network, pair in issued.consul.items()}
    pairs[NOMAD] = issued.nomad
    document = {
        name: {"certificate": pair.certificate.decode(), "key": pair.key.decode()}
        for name, pair in pairs.items()
    }
    records.put(CERTIFICATES + node, json.dumps(document, indent=2))


def encode_files(files: Sequence[NodeFile]) -> bytes:
    """Files as the payload of a task for the node's agent."""
    return json.dumps(
        [asdict(file) | {"content": base64.b64encode(file.content).decode()} for file in files]
    ).encode()


def decode_files(payload: bytes) -> tuple[NodeFile, ...]:
    """What `encode_files` made."""
    return tuple(
        NodeFile(**{**one, "content": base64.b64decode(one["content"])})
        for one in json.loads(payload)
    )


def _certificates(
    consul: Consul,
    records: ClusterRecords,
    cluster: Cluster,
    node: Node,
    authorities: Authorities,
    *,
    server: bool,
) -> NodeCertificates:
    entry = consul.kv.get(CERTIFICATES + node.name)
    known = {
        name: KeyPair(one["certificate"].encode(), one["key"].encode())
        for name, one in (entry.json() if entry else {}).items()
    }
    now = datetime.now(UTC)

    def good(name: str, authority: KeyPair, request: LeafRequest) -> KeyPair:
        existing = known.get(name)
        if existing is None or renewal_reason(existing, authority, request, now):
            return issue(authority, request, now)
        return existing

    issued = NodeCertificates(
        {
            network: good(
                _name(network),
                authorities.consul,
                certificates.consul_request(cluster, node, network, server=server),
            )
            for network in cluster.network_names()
        },
        good(NOMAD, authorities.nomad, certificates.nomad_request(node, server=server)),
    )
    remember_certificates(records, node.name, issued)
    return issued


def _name(network: NetworkName) -> str:
    return f"consul-{network.value}"
