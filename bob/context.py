"""A cluster that this machine knows: written by `bob init`, read by every later command.

~/.local/state/bob/current                        name of the cluster initialised last
~/.local/state/bob/clusters/<name>/context.json   where its nodes are; nothing secret
~/.local/state/bob/clusters/<name>/inventory.json its inventory
~/.local/state/bob/clusters/<name>/secrets.json   its tokens (`bob.provision.secrets`)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bob import paths
from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.errors import UsageError
from bob.provision import agents
from bob.provision.private_files import write_private
from bob.provision.secrets import Secrets, load
from inventory import Cluster, NetworkName
from inventory.values import Address, ClusterLabel, FrozenMap, FrozenMapping, Label

SCHEMA = "bob/context/1"
CONTEXT_FILE = "context.json"
INVENTORY_FILE = "inventory.json"
SECRETS_FILE = "secrets.json"
CURRENT_FILE = "current"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class KnownNode(_Part):
    """A node as it was initialised. What it is now is asked from the cluster."""

    name: Label
    zone: Label
    server: bool
    addresses: FrozenMap[NetworkName, Address]


class Context(_Part):
    """How to find a cluster. Paths are relative to its folder."""

    cluster: ClusterLabel
    datacenters: FrozenMap[NetworkName, str]
    """Consul's datacenter of each network."""
    nodes: tuple[KnownNode, ...]
    consul_ca: Path = Path("pki/consul-ca.pem")
    nomad_ca: Path = Path("pki/nomad-ca.pem")

    @classmethod
    def of(cls, cluster: Cluster, servers: Iterable[str]) -> Context:
        """The context of an inventory whose quorum is on `servers` (node names)."""
        quorum = frozenset(servers)
        names = cluster.network_names()
        return cls(
            cluster=cluster.name,
            datacenters=FrozenMapping({name: agents.datacenter(cluster, name) for name in names}),
            nodes=tuple(
                KnownNode(
                    name=node.name,
                    zone=node.zone,
                    server=node.name in quorum,
                    addresses=node.addresses,
                )
                for node in cluster.nodes
            ),
        )

    @classmethod
    def load(cls, cluster: str | None = None) -> Context:
        """The context of `cluster`, or of the one initialised last. Raises `UsageError`."""
        name = cluster or current_cluster()
        path = paths.cluster_dir(name) / CONTEXT_FILE
        cure = "Write it again with: bob init -f cluster.yaml"
        try:
            content = json.loads(path.read_bytes())
            schema = content.pop("schema") if isinstance(content, dict) else None
            if schema != SCHEMA:
                raise UsageError(
                    f"{path} has the format {schema!r}, this version reads {SCHEMA!r}", cure=cure
                )
            return cls.model_validate(content)
        except FileNotFoundError:
            raise UsageError(
                f"cluster {name!r} is not known here (no {path})",
                cure="Initialise it with: bob init -f cluster.yaml",
            ) from None
        except (ValueError, KeyError) as error:  # no JSON, no schema, or a field is wrong
            raise UsageError(f"{path} is damaged: {error}", cure=cure) from error

    def save(self) -> Path:
        """Write the context and make this cluster the current one. Returns the file."""
        path = self.write()
        write_private(paths.state_dir() / CURRENT_FILE, self.cluster.encode() + b"\n")
        return path

    def write(self) -> Path:
        """Write the context, whichever cluster is the current one. Returns the file."""
        path = self.folder / CONTEXT_FILE
        write_private(path, self.content())
        return path

    def content(self) -> bytes:
        """What `save` writes."""
        content = {"schema": SCHEMA, **self.model_dump(mode="json")}
        return json.dumps(content, indent=2).encode() + b"\n"

    @property
    def folder(self) -> Path:
        """The folder of this cluster on the operator's machine."""
        return paths.cluster_dir(self.cluster)

    @property
    def networks(self) -> tuple[NetworkName, ...]:
        """The networks of the cluster, mgmt first."""
        return tuple(name for name in NetworkName if name in self.datacenters)

    @property
    def servers(self) -> tuple[KnownNode, ...]:
        """The nodes that were initialised as servers."""
        return tuple(node for node in self.nodes if node.server)

    @property
    def consul_ca_file(self) -> Path:
        """The authority behind every Consul certificate."""
        return self.folder / self.consul_ca

    @property
    def nomad_ca_file(self) -> Path:
        """The authority behind every Nomad certificate."""
        return self.folder / self.nomad_ca

    def consul_url(self, node: KnownNode, network: NetworkName = NetworkName.MGMT) -> str:
        """The Consul API of a network on a server."""
        port = agents.consul_agent(network).https_port
        return f"https://{node.addresses[NetworkName.MGMT]}:{port}"

    def nomad_url(self, node: KnownNode) -> str:
        """The Nomad API of a server."""
        return f"https://{node.addresses[NetworkName.MGMT]}:{agents.NOMAD_HTTP_PORT}"

    def secrets(self) -> Secrets:
        """The tokens of the cluster. Raises `SecretsUnusable` or `Exposed`."""
        return load(self.folder / SECRETS_FILE, self.cluster)

    def consul(self, network: NetworkName = NetworkName.MGMT) -> Consul:
        """The Consul API of a network on whichever server answers, with the operator's token."""
        urls = [self.consul_url(node, network) for node in self.servers]
        return Consul.any(urls, self.secrets().operator.get_secret_value(), self.consul_ca_file)

    def requests(self) -> Consul:
        """The main Consul on whichever server answers, with the right to record wishes."""
        urls = [self.consul_url(node) for node in self.servers]
        return Consul.any(urls, self.secrets().requests.get_secret_value(), self.consul_ca_file)

    def nomad(self) -> Nomad:
        """The Nomad API of whichever server answers, with the right to do everything."""
        urls = [self.nomad_url(node) for node in self.servers]
        token = self.secrets().nomad_management.get_secret_value()
        return Nomad.any(urls, token, self.nomad_ca_file)


def forget(cluster: str, hosts: Mapping[str, str]) -> bool:
    """Remove all that is kept of a cluster whose hosts exist no longer; True when that was done.

    `hosts` maps names to mgmt addresses. What is kept of a cluster with any other node stays: its
    secrets are the only way into it.
    """
    try:
        known = Context.load(cluster)
    except UsageError:
        return False
    nodes = {node.name: str(node.addresses[NetworkName.MGMT]) for node in known.nodes}
    if not nodes.items() <= hosts.items():
        return False
    shutil.rmtree(known.folder)
    current = paths.state_dir() / CURRENT_FILE
    if current.read_text(encoding="utf-8").strip() == cluster:
        current.unlink()
    return True


def current_cluster() -> str:
    """The cluster that was initialised last here. Raises `UsageError` when there is none."""
    try:
        name = (paths.state_dir() / CURRENT_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        name = ""
    if not name:
        raise UsageError("no cluster is known here", cure="Run: bob init -f cluster.yaml")
    return name
