"""The cluster as its operator describes it: frozen models in the shape of the YAML file.

A model checks each value by itself; what must hold between values is in `laws`. Addresses are
IPv4. Paths are absolute after `load`, which resolves them against the folder of the file.
"""

from __future__ import annotations

import enum
import hashlib
import json
import os
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from inventory.values import (
    Address,
    Cidr,
    ClusterLabel,
    FilePath,
    FrozenMap,
    Label,
    Port,
    Registry,
    Servers,
    Sha256,
    Url,
    Version,
    not_empty,
)

DEFAULT_ZONE = "default"
SINGLE_SERVER = "accept-no-redundancy"
# A host reboots in one to two minutes. Sooner, each reboot would move a server; while it is away
# one more loss stops a cluster of three servers, so not much later either.
SERVER_GRACE = 120
FIVE_SERVERS_FROM = 30  # nodes; below it, two more voters cost more than the second loss they cover


class PasswordUnavailable(Exception):
    """The reference to a BMC password cannot be followed now."""


class NetworkName(enum.StrEnum):
    """A network: its own NIC on each node, its own Consul datacenter `<cluster>-<network>`."""

    MGMT = "mgmt"
    STORAGE = "storage"
    TENANT = "tenant"


class ToolName(enum.StrEnum):
    """A program whose version and checksum the inventory may settle."""

    CONSUL = "consul"
    NOMAD = "nomad"
    CONSUL_TEMPLATE = "consul_template"


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class Network(_Part):
    """One network of the cluster."""

    cidr: Cidr
    """Range of the network, like 10.101.0.0/24."""


class Ssh(_Part):
    """How a bare host is reached."""

    user: Annotated[str, Field(min_length=1)] = "root"
    """Login; it must be root or be able to become root."""
    port: Port = 22
    key: FilePath | None = None
    """Private key; without it the agent and the default keys of the user are tried."""
    known_hosts: FilePath | None = None
    """File with the pinned host keys; without it the user's own known_hosts."""


class Bmc(_Part):
    """The management controller of a node (IPMI over LAN), with exactly one kind of password."""

    address: Address
    port: Port = 623
    user: Annotated[str, Field(min_length=1)]
    password_file: FilePath | None = None
    """File that holds nothing but the password."""
    password_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Environment variable that holds the password."""
    password: SecretStr | None = None
    """The password itself: accepted with a warning, prefer password_file or password_env."""

    def read_password(self) -> str:
        """The password, read now. Raises `PasswordUnavailable` with the reason."""
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_env is not None:
            if found := os.environ.get(self.password_env):
                return found
            raise PasswordUnavailable(f"environment variable {self.password_env} is not set")
        if self.password_file is None:
            raise PasswordUnavailable(f"the BMC {self.address} has no password in the inventory")
        try:
            found = self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise PasswordUnavailable(f"cannot read {self.password_file}: {error}") from error
        if not found:
            raise PasswordUnavailable(f"{self.password_file} is empty")
        return found


class Node(_Part):
    """One host."""

    name: Label
    zone: Label = DEFAULT_ZONE
    """Failure domain: rack, room or power supply. Servers are spread over zones."""
    addresses: FrozenMap[NetworkName, Address]
    """One address on every network of the cluster."""
    roles: tuple[Label, ...] = ()
    """What the node is for besides the control plane, like compute."""
    bmc: Bmc | None = None


class Versions(_Part):
    """The versions to install."""

    consul: Version = "1.22.3"
    nomad: Version = "1.11.3"
    consul_template: Version = "0.42.1"


class Toolchain(_Part):
    """Where the programs come from, when not from their vendor."""

    mirror: Url | None = None
    """Base address that holds <tool>/<version>/<archive>, like the vendor's release site."""
    sha256: FrozenMap[ToolName, Sha256] = Field(default_factory=dict, validate_default=True)
    """Pinned checksums of the release archives."""
    path: FilePath | None = None
    """Folder with ready programs; nothing is fetched for a program found there."""


class Cluster(_Part):
    """The whole cluster. Get one from `load`: only there the laws between its parts are checked."""

    model_config = ConfigDict(populate_by_name=True)

    name: Annotated[ClusterLabel, Field(alias="cluster")]
    """Name of the cluster, `cluster` in the file. Consul datacenters are `<cluster>-<network>`."""
    networks: FrozenMap[NetworkName, Network]
    """mgmt is required, storage and tenant are optional."""
    ssh: Ssh = Ssh()
    servers: Servers | None = None
    """Size of the quorum; without it 3, and 5 in a large cluster."""
    five_servers_from: Annotated[int, Field(strict=True, ge=5)] = FIVE_SERVERS_FROM
    """Number of nodes from which a cluster without `servers` gets five of them."""
    server_grace: Annotated[int, Field(strict=True, ge=10)] = SERVER_GRACE
    """Seconds after which another node takes the place of a server that is lost."""
    single_server: Literal["accept-no-redundancy"] | None = None
    """The word that allows `servers: 1`."""
    registry: Registry | None = None
    """Where hosts pull container images from, unless a deployment names another one."""
    versions: Versions = Versions()
    toolchain: Toolchain = Toolchain()
    nodes: Annotated[
        tuple[Node, ...], BeforeValidator(not_empty), Field(json_schema_extra={"minItems": 1})
    ]

    def node(self, name: str) -> Node:
        """The node with this name. Raises `KeyError`."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def network_names(self) -> tuple[NetworkName, ...]:
        """The declared networks in the order mgmt, storage, tenant."""
        return tuple(name for name in NetworkName if name in self.networks)

    def addresses(self, network: NetworkName) -> Mapping[str, IPv4Address]:
        """Address of every node on one network, by node name, in inventory order."""
        return {node.name: node.addresses[network] for node in self.nodes}

    def digest(self) -> str:
        """SHA-256 (hex) of what shapes the cluster; it tells a changed inventory from the same one.

        How the cluster is reached or fed (SSH, credentials of BMCs, source of programs and images)
        is left out: mending a wrong key between two runs does not make it another cluster.
        """
        credentials = {"user", "password", "password_file", "password_env"}
        content = self.model_dump(
            mode="json",
            exclude={
                "ssh": True,
                "toolchain": True,
                "registry": True,
                "nodes": {"__all__": {"bmc": credentials}},
            },
        )
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
