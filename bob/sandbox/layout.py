"""Names of everything a sandbox consists of: directories, namespaces, ports, addresses, cgroups.

Pure: nothing here touches the machine. Whoever makes, breaks or removes a part of a sandbox takes
its name from here, so that `down` finds all of it without having seen `up`.

    machine ── bobS ──┐                        (veth, .253 on the mgmt subnet)
                      │
        netns bob-NAME: bridges mgmt, storage, tenant (.254 each), BMCs on mgmt (.110+N, port 623)
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

SLOTS = range(10)  # sandboxes that can exist at once: each has its own three subnets
MAX_NODES = 89  # host addresses end at .99, BMC addresses start at .111
ZONES = ("a", "b", "c")
NETWORKS = ("mgmt", "storage", "tenant")  # in the order eth0, eth1, eth2
BMC_PORT = 623
BMC_USER = "admin"
SERIAL_PORT_BASE = 9100  # + N, on the loopback of the switch namespace: BMC <-> mainboard

_FIRST_OCTET = 101  # mgmt of slot 0 is 10.101.0.0/24, storage 10.102, tenant 10.103
_OCTETS_PER_SLOT = 10
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?")
_LOOKS_LIKE_NODE = re.compile(r".*-n\d+")


@dataclass(frozen=True)
class NodeLayout:
    """Names and paths of one emulated host. `number` is N of 1 … 89."""

    sandbox: str
    slot: int
    number: int
    sandbox_dir: Path

    @property
    def name(self) -> str:
        """Host name: n1, n2, …"""
        return f"n{self.number}"

    @property
    def zone(self) -> str:
        """Failure domain: a, b, c round robin."""
        return ZONES[(self.number - 1) % len(ZONES)]

    @property
    def addresses(self) -> dict[str, str]:
        """Network name -> address, without prefix length (all are /24)."""
        return {net: _address(self.slot, net, 10 + self.number) for net in NETWORKS}

    @property
    def bmc_address(self) -> str:
        """Address of the BMC, on the mgmt subnet; port `BMC_PORT`."""
        return _address(self.slot, "mgmt", 110 + self.number)

    @property
    def netns(self) -> str:
        """Network namespace of the host."""
        return f"bob-{self.sandbox}-{self.name}"

    @property
    def cgroup(self) -> str:
        """Path of the host's cgroup below the sandbox's parent in every hierarchy."""
        return f"bob-{self.sandbox}/{self.name}"

    @property
    def helper_cgroup(self) -> str:
        """Cgroup of the host's BMC and mainboard, in the unified hierarchy only."""
        return f"bob-{self.sandbox}/bmc-{self.name}"

    @property
    def serial_port(self) -> int:
        """TCP port on which the BMC waits for the mainboard, inside the switch namespace."""
        return SERIAL_PORT_BASE + self.number

    def port(self, network: str) -> str:
        """The host's port on the switch: an interface in the switch namespace."""
        return f"{self.name}-{network}"

    def interface(self, network: str) -> str:
        """The host's own interface of that network: eth0, eth1 or eth2."""
        return f"eth{NETWORKS.index(network)}"

    def mac(self, network: str) -> str:
        """Fixed MAC of that interface: a restarted host must not wait for its peers' ARP caches."""
        return f"02:6b:00:{self.slot:02x}:{self.number:02x}:{NETWORKS.index(network) + 1:02x}"

    @property
    def machine_id(self) -> str:
        """/etc/machine-id of the host: 32 hex digits."""
        return f"b0b{self.slot:01x}{'0' * 26}{self.number:02x}"

    @property
    def guid(self) -> str:
        """GUID the BMC reports: 32 hex digits."""
        return f"a123456789abcdefa12345678{self.slot:02x}b0b{self.number:02x}"

    @property
    def dir(self) -> Path:
        """Everything that belongs to this host on the machine's file system."""
        return self.sandbox_dir / "nodes" / self.name

    @property
    def upper(self) -> Path:
        """What the host has written over the image: its disk. Removed = a reinstalled machine."""
        return self.dir / "upper"

    @property
    def work(self) -> Path:
        """Work directory that overlayfs wants beside `upper`."""
        return self.dir / "work"

    @property
    def root(self) -> Path:
        """Mount point of the host's root file system."""
        return self.dir / "root"

    @property
    def docker(self) -> Path:
        """The host's /var/lib/docker: a plain directory, since overlay2 cannot sit on overlayfs."""
        return self.dir / "docker"

    @property
    def run(self) -> Path:
        """Shared with the running host as /run/bmc: the watchdog FIFO and the IPMI socket."""
        return self.dir / "run"

    @property
    def watchdog(self) -> Path:
        """The FIFO that the host sees as /dev/watchdog."""
        return self.run / "watchdog"

    @property
    def ipmi_socket(self) -> Path:
        """In-band IPMI (in the host: /run/bmc/ipmi.sock)."""
        return self.run / "ipmi.sock"

    @property
    def bmc(self) -> Path:
        """Configuration, state and log of the BMC."""
        return self.dir / "bmc"

    @property
    def bmc_password_file(self) -> Path:
        """Password of the BMC's user `admin`, mode 0600."""
        return self.bmc / "password"

    @property
    def bmc_pid_file(self) -> Path:
        """Process id of the BMC (ipmi_sim)."""
        return self.bmc / "pid"

    @property
    def host_pid_file(self) -> Path:
        """Process id of the systemd-nspawn that runs the host; absent while the host is off."""
        return self.dir / "host.pid"

    @property
    def host_file(self) -> Path:
        """What the mainboard must know about its host."""
        return self.dir / "host.json"

    @property
    def console_log(self) -> Path:
        """What the host wrote to its console."""
        return self.dir / "console.log"


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
    def lock(self) -> Path:
        """Held (flock) while the sandbox is being changed."""
        return self.base / f".{self.name}.lock"

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
        return _address(self.slot, "mgmt", 253)

    def cidr(self, network: str) -> str:
        """Subnet of a network, always a /24."""
        return f"{_address(self.slot, network, 0)}/24"

    def bridge_address(self, network: str) -> str:
        """Address of the bridge itself, inside the switch namespace."""
        return _address(self.slot, network, 254)


def check_name(name: str) -> None:
    """Accept DNS labels up to 24 characters. `x-n1` would collide with host n1 of sandbox x."""
    if not _NAME.fullmatch(name) or _LOOKS_LIKE_NODE.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a sandbox",
            cure="Use lower-case letters, digits and dashes, starting with a letter, at most "
            "24 characters, not ending in -n<number>.",
        )


def _address(slot: int, network: str, last: int) -> str:
    return f"10.{_FIRST_OCTET + _OCTETS_PER_SLOT * slot + NETWORKS.index(network)}.0.{last}"
