"""What the steps of `bob init` share: the wish, the hosts, and the operator's folder.

~/.local/state/bob/clusters/<name>/
  cluster-id        names this cluster on its hosts and in its records
  secrets.json      tokens and gossip keys                          0600
  pki/              authorities and certificates                    0600
  known_hosts       SSH keys of the hosts, pinned at first contact
  ops/              the record of the operation, before Consul has it
  context.json      what the other commands need to find the cluster
  inventory.json    the inventory it was made from
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from bob.clients.consul import Consul
from bob.clients.fleet import Fleet
from bob.clients.nomad import Nomad
from bob.clients.ssh import Host, Login
from bob.context import SECRETS_FILE, Context
from bob.ops.file_store import FileStore
from bob.ops.record import new_id
from bob.provision import certificates, install, node_files, pki, private_files, secrets
from bob.provision.host_report import HostReport
from inventory import Cluster, NetworkName
from inventory.placement import choose_servers

CLUSTER_ID_FILE = "cluster-id"


@dataclass
class InitContext:
    """One run of `bob init`. `reports` is filled by the preflight step."""

    cluster: Cluster
    folder: Path
    binaries: tuple[install.Binary, ...]
    fleet: Fleet
    store: FileStore
    operation_id: str
    reports: dict[str, HostReport] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _files: dict[str, tuple[node_files.NodeFile, ...]] = field(default_factory=dict)
    _consul: dict[NetworkName, Consul] = field(default_factory=dict)

    @cached_property
    def servers(self) -> tuple[str, ...]:
        """Names of the nodes that form the quorum."""
        return choose_servers(self.cluster)

    @property
    def clients(self) -> tuple[str, ...]:
        """Names of the other nodes."""
        return tuple(n.name for n in self.cluster.nodes if n.name not in self.servers)

    @cached_property
    def claim(self) -> str:
        """What a host of this cluster holds in its claim file: name and id."""
        return f"{self.cluster.name} {cluster_id(self.folder)}"

    @cached_property
    def secrets(self) -> secrets.Secrets:
        """Tokens and gossip keys; made here when this is the first use."""
        return secrets.load_or_create(self.folder / SECRETS_FILE, self.cluster)

    @cached_property
    def authorities(self) -> pki.Authorities:
        """The certificate authorities; made here when this is the first use."""
        return pki.load_or_create_authorities(
            self.folder / "pki", self.cluster.name, datetime.now(UTC)
        )

    def files(self, name: str) -> tuple[node_files.NodeFile, ...]:
        """Everything but programs that belongs on a node."""
        if name not in self._files:
            self._files[name] = node_files.files_for(
                self.cluster, self.cluster.node(name), self.servers, self.secrets, self.authorities,
                self.issued(name), self.reports[name].resolver,
            )  # fmt: skip
        return self._files[name]

    def issued(self, name: str) -> certificates.NodeCertificates:
        """The certificates of a node; made here when this is their first use."""
        return certificates.node_certificates(
            self.folder / "pki", self.authorities, self.cluster, self.cluster.node(name),
            datetime.now(UTC), server=name in self.servers,
        )  # fmt: skip

    @cached_property
    def client_context(self) -> Context:
        """What the operator's other commands know of this cluster."""
        return Context.of(self.cluster, self.servers)

    def secret_files(self) -> tuple[Path, ...]:
        """What cannot be made again: tokens, gossip keys and the authorities with their keys."""
        pki_files = ("consul-ca.pem", "consul-ca-key.pem", "nomad-ca.pem", "nomad-ca-key.pem")
        return (self.folder / SECRETS_FILE, *(self.folder / "pki" / name for name in pki_files))

    def consul(self, network: NetworkName) -> Consul:
        """The Consul API of a network, with the right to do everything; connections are kept."""
        if network not in self._consul:
            known = self.client_context
            urls = [known.consul_url(server, network) for server in known.servers]
            token = self.secrets.consul_management[network].get_secret_value()
            self._consul[network] = Consul.any(urls, token, known.consul_ca_file)
        return self._consul[network]

    def consul_of(self, server: str, network: NetworkName) -> Consul:
        """The Consul API of a network on one server."""
        known = self.client_context
        node = next(node for node in known.servers if node.name == server)
        token = self.secrets.consul_management[network].get_secret_value()
        return Consul(known.consul_url(node, network), token, known.consul_ca_file)

    @cached_property
    def _nomad(self) -> Nomad:
        known = self.client_context
        urls = [known.nomad_url(server) for server in known.servers]
        token = self.secrets.nomad_management.get_secret_value()
        return Nomad.any(urls, token, known.nomad_ca_file)

    def nomad(self) -> Nomad:
        """The Nomad API, with the right to do everything; connections are kept."""
        return self._nomad


def make_fleet(cluster: Cluster, folder: Path) -> Fleet:
    """SSH logins to all nodes. Host keys: the inventory's file, else pinned at first contact."""
    ssh = cluster.ssh
    strict = ssh.known_hosts is not None
    return Fleet(
        Host(
            Login(
                name=node.name,
                address=str(node.addresses[NetworkName.MGMT]),
                user=ssh.user,
                port=ssh.port,
                key=ssh.key,
                pins=ssh.known_hosts or folder / "known_hosts",
                strict=strict,
            )
        )
        for node in cluster.nodes
    )


def cluster_id(folder: Path) -> str:
    """The id that tells this cluster from another of the same name; made once."""
    with private_files.locked(folder):
        path = folder / CLUSTER_ID_FILE
        if known := private_files.read_private(path):
            return known.decode().strip()
        made = new_id()
        private_files.write_private(path, made.encode() + b"\n")
        return made
