"""Which certificates a node has and what they name.

Consul and Nomad take an agent for a server only when its certificate says so:
`server.<datacenter>.consul` and `server.<region>.nomad` (verify_server_hostname). A client's
certificate names `client.…` instead, so a stolen one cannot pose as a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address
from pathlib import Path

from bob.provision.agents import LOOPBACK, datacenter
from bob.provision.issuing import KeyPair, LeafRequest
from bob.provision.pki import Authorities, load_or_issue
from inventory.model import Cluster, NetworkName, Node

NOMAD_REGION = "global"
CONSUL_DOMAIN = "consul"
_LOCAL = IPv4Address(LOOPBACK)


@dataclass(frozen=True)
class NodeCertificates:
    """The certificates of one node's agents."""

    consul: Mapping[NetworkName, KeyPair]
    nomad: KeyPair


def consul_request(
    cluster: Cluster, node: Node, network: NetworkName, *, server: bool
) -> LeafRequest:
    """What the certificate of a Consul agent names.

    The mgmt address is among the addresses on every network, since the HTTPS port of all agents is
    bound to it.
    """
    suffix = f"{datacenter(cluster, network)}.{CONSUL_DOMAIN}"
    names = (
        (f"server.{suffix}", f"{node.name}.server.{suffix}") if server else (f"client.{suffix}",)
    )
    own, mgmt = node.addresses[network], node.addresses[NetworkName.MGMT]
    return LeafRequest((*names, "localhost"), tuple(dict.fromkeys((_LOCAL, own, mgmt))))


def nomad_request(node: Node, *, server: bool) -> LeafRequest:
    """What the certificate of a Nomad agent names."""
    role = "server" if server else "client"
    return LeafRequest(
        (f"{role}.{NOMAD_REGION}.nomad", "localhost"), (_LOCAL, node.addresses[NetworkName.MGMT])
    )


def node_certificates(
    folder: Path,
    authorities: Authorities,
    cluster: Cluster,
    node: Node,
    now: datetime,
    *,
    server: bool,
) -> NodeCertificates:
    """The certificates of a node, kept below `folder` and issued when missing or outdated."""
    own = folder / node.name
    consul = {
        network: load_or_issue(
            own,
            f"consul-{network.value}",
            authorities.consul,
            consul_request(cluster, node, network, server=server),
            now,
        )
        for network in cluster.network_names()
    }
    nomad = load_or_issue(own, "nomad", authorities.nomad, nomad_request(node, server=server), now)
    return NodeCertificates(consul, nomad)
