"""The names of everything one emulated host consists of; pure. See `layout` for the whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ZONES = ("a", "b", "c")
NETWORKS = ("mgmt", "storage", "tenant")  # in the order eth0, eth1, eth2
BMC_PORT = 623
BMC_USER = "admin"

_SERIAL_PORT_BASE = 9100  # + N, on the loopback of the switch namespace: BMC <-> mainboard
_FIRST_OCTET = 101  # mgmt of slot 0 is 10.101.0.0/24, storage 10.102, tenant 10.103
_OCTETS_PER_SLOT = 10


def address(slot: int, network: str, last: int) -> str:
    """The address with that last byte on a network of the sandbox in that slot."""
    return f"10.{_FIRST_OCTET + _OCTETS_PER_SLOT * slot + NETWORKS.index(network)}.0.{last}"


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
        return {net: address(self.slot, net, 10 + self.number) for net in NETWORKS}

    @property
    def bmc_address(self) -> str:
        """Address of the BMC, on the mgmt subnet; port `BMC_PORT`."""
        return address(self.slot, "mgmt", 110 + self.number)

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
        return _SERIAL_PORT_BASE + self.number

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
