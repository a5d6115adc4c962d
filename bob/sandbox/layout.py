"""Names of everything a sandbox consists of: directories, namespaces, ports, addresses, cgroups.

Pure: nothing here touches the machine. Whoever makes, breaks or removes a part of a sandbox takes
its name from here, so that `down` finds all of it without having seen `up`.

    machine ── bobS ──┐                        (veth, .253 on the mgmt subnet)
                      │
        netns bob-NAME: bridges mgmt, storage, tenant (.254 each), BMCs on mgmt (.110+N, port 623),
                      │                       the registry on mgmt (.254, port 5000); .200 is left
                      │                       for an address that hosts share
                      │ n1-mgmt, n1-storage, n1-tenant, n2-mgmt, …
        netns bob-NAME-n1: eth0, eth1, eth2 (.10+N each)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bob import paths
from bob.errors import UsageError
from bob.sandbox.node_layout import BMC_PORT, BMC_USER, NETWORKS, NodeLayout, address

__all__ = ["BMC_PORT", "BMC_USER", "MAX_NODES", "NETWORKS", "SLOTS", "Layout", "NodeLayout"]

SLOTS = range(10)  # sandboxes that can exist at once: each has its own three subnets
REGISTRY_PORT = 5000
MAX_NODES = 89  # host addresses end at .99, BMC addresses start at .111

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?")
_LOOKS_LIKE_NODE = re.compile(r".*-n\d+")


@dataclass(frozen=True)
class Layout:
    """Names and paths of one sandbox with hosts n1 … n`nodes`."""

    name: str
    slot: int
    nodes: int
    base: Path = field(default_factory=paths.sandbox_dir)

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.slot not in SLOTS:
            raise UsageError(f"slot {self.slot} is outside 0…{SLOTS[-1]}")
        if not 1 <= self.nodes <= MAX_NODES:
            raise UsageError(f"a sandbox has 1 to {MAX_NODES} hosts, not {self.nodes}")

    def node(self, name: str) -> NodeLayout:
        """The host of that name. Raises `UsageError` when the sandbox has no such host."""
        for node in self:
            if node.name == name:
                return node
        raise UsageError(
            f"sandbox {self.name!r} has no host {name!r}",
            cure=f"Its hosts are {', '.join(node.name for node in self)}.",
        )

    def __iter__(self) -> Iterator[NodeLayout]:
        return (
            NodeLayout(self.name, self.slot, number, self.dir)
            for number in range(1, self.nodes + 1)
        )

    @property
    def mgmt_addresses(self) -> dict[str, str]:
        """The mgmt address of each host, by its name."""
        return {node.name: node.addresses["mgmt"] for node in self}

    @property
    def dir(self) -> Path:
        """Everything of this sandbox on the machine's file system."""
        return self.base / self.name

    @property
    def record(self) -> Path:
        """What exists: name, slot, nodes. Written before anything else is made."""
        return self.dir / "sandbox.json"

    @property
    def inventory(self) -> Path:
        """The inventory file for `bob init`."""
        return self.dir / "cluster.yaml"

    @property
    def faults(self) -> Path:
        """The faults in force, a JSON list."""
        return self.dir / "faults.json"

    @property
    def registry(self) -> Path:
        """Configuration, log and process id of the container registry; its data is in the cache."""
        return self.dir / "registry"

    @property
    def registry_address(self) -> str:
        """Where hosts and the machine reach the registry, as image names begin."""
        return f"{self.bridge_address('mgmt')}:{REGISTRY_PORT}"

    @property
    def ssh_key(self) -> Path:
        """Private key that root of every host accepts."""
        return self.dir / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Host keys of all hosts."""
        return self.dir / "ssh" / "known_hosts"

    @property
    def netns(self) -> str:
        """Network namespace with the three bridges and the BMCs."""
        return f"bob-{self.name}"

    @property
    def cgroup(self) -> str:
        """Parent of the hosts' cgroups in every hierarchy."""
        return f"bob-{self.name}"

    @property
    def helper_cgroup(self) -> str:
        """Cgroup of helper processes that belong to no host, in the unified hierarchy only."""
        return f"bob-{self.name}/helpers"

    @property
    def machine_link(self) -> str:
        """The machine's own interface to the mgmt network."""
        return f"bob{self.slot}"

    @property
    def machine_address(self) -> str:
        """The machine's own address on the mgmt network."""
        return address(self.slot, "mgmt", 253)

    @property
    def shared_address(self) -> str:
        """An address on the mgmt network that is left for keepalived."""
        return address(self.slot, "mgmt", 200)

    def cidr(self, network: str) -> str:
        """Subnet of a network, always a /24."""
        return f"{address(self.slot, network, 0)}/24"

    def bridge_address(self, network: str) -> str:
        """Address of the bridge itself, inside the switch namespace."""
        return address(self.slot, network, 254)


def check_name(name: str) -> None:
    """Accept DNS labels up to 24 characters. `x-n1` would collide with host n1 of sandbox x."""
    if not _NAME.fullmatch(name) or _LOOKS_LIKE_NODE.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a sandbox",
            cure="Use lower-case letters, digits and dashes, starting with a letter, at most "
            "24 characters, not ending in -n<number>.",
        )
