"""One emulated host as a running container: plug in its NICs, boot it, kill it.

Used by the mainboard only, which lives in the switch namespace: interfaces without a namespace in
the commands below are the switch's.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bob.machine.programs import run
from bob.sandbox.cgroups import Hierarchies

REBOOT_EXIT_CODE = 133  # systemd-nspawn: the guest wants to be started again
_NSPAWN_SETTINGS = {"SYSTEMD_SECCOMP": "0", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
_GRACEFUL = signal.SIGRTMIN + 4  # systemd as PID 1: power off


@dataclass(frozen=True)
class Nic:
    """One network interface of a host. `parked` is its name on the switch while the host is off."""

    name: str
    mac: str
    address: str  # with prefix length
    port: str
    bridge: str
    parked: str


@dataclass(frozen=True)
class Host:
    """All that a mainboard must know about its host; it reads this from a file."""

    name: str
    netns: str
    switch_netns: str
    nics: tuple[Nic, ...]
    cgroup: str
    hierarchies: dict[str, str]
    dir: str  # holds upper, work, root, docker, run, console.log, host.pid
    image: str
    serial_port: int

    def save(self, path: Path) -> None:
        """Write it for the mainboard, completely or not at all."""
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self), indent=1))
        temporary.rename(path)

    @classmethod
    def load(cls, path: Path) -> Host:
        """The inverse of `save`."""
        record = json.loads(path.read_text())
        return cls(**record | {"nics": tuple(Nic(**nic) for nic in record["nics"])})


class Container:
    """Starts and kills the container of one host. Not thread-safe: the mainboard holds a lock."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.dir = Path(host.dir)
        self.hierarchies = Hierarchies.from_json(host.hierarchies)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Boot the host, as after pressing the power button."""
        self._plug_in()
        self._mount_root()
        with (self.dir / "console.log").open("ab") as console:
            self.process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True,
                env=os.environ | _NSPAWN_SETTINGS,
            )  # fmt: skip
        (self.dir / "host.pid").write_text(str(self.process.pid))

    def kill(self) -> None:
        """End the host at once, frozen or not, and unplug its NICs. It may already be dead."""
        self.hierarchies.kill(self.host.cgroup)
        if self.process is not None:
            self.process.wait(5)
        (self.dir / "host.pid").unlink(missing_ok=True)
        self._unplug()
        self.hierarchies.remove(self.host.cgroup)

    def ask_to_shut_down(self) -> None:
        """Press the power button softly: PID 1 of the host powers off by itself."""
        if self.process is not None and (init := init_pid(self.process.pid)):
            os.kill(init, _GRACEFUL)

    def _command(self) -> list[str]:
        host, folder = self.host, self.host.dir
        binds = [
            f"--bind={folder}/docker:/var/lib/docker",
            f"--bind={folder}/run:/run/bmc",
            f"--bind={folder}/run/watchdog:/dev/watchdog",
            *(f"--bind={dev}" for dev in ("/dev/kvm", "/dev/net/tun") if Path(dev).exists()),
        ]
        return [
            *in_cgroups(self.hierarchies.make(host.cgroup)),
            "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot",
            f"--directory={folder}/root", f"--machine={host.name}", f"--hostname={host.name}",
            f"--network-namespace-path=/run/netns/{host.netns}", "--resolv-conf=off",
            "--timezone=off", "--link-journal=no", "--console=pipe", "--capability=all", *binds,
        ]  # fmt: skip

    def _mount_root(self) -> None:
        root = self.dir / "root"
        if root.is_mount():
            return
        layers = f"lowerdir={self.host.image},upperdir={self.dir}/upper,workdir={self.dir}/work"
        run("mount", "-t", "overlay", "overlay", "-o", layers, str(root))

    def _plug_in(self) -> None:
        """A fresh namespace with the NICs: like any machine, a host forgets its rules and routes.

        The ports on the switch stay, and with them what a fault did to them.
        """
        self._unplug()
        host = self.host
        present = {name for _, name in socket.if_nameindex()}
        switch, inside = [], ["link set lo up"]
        for nic in host.nics:
            if nic.parked not in present:
                if nic.port in present:
                    switch.append(f"link del {nic.port}")
                switch += [
                    f"link add {nic.port} type veth peer name {nic.parked} address {nic.mac}",
                    f"link set {nic.port} master {nic.bridge} up",
                ]
            switch.append(f"link set {nic.parked} netns {host.netns} name {nic.name}")
            inside += [
                f"addr add {nic.address} dev {nic.name}",
                f"link set {nic.name} up",
            ]
        run("ip", "netns", "add", host.netns)
        run("ip", "-batch", "-", text="\n".join(switch))
        run("ip", "-n", host.netns, "-batch", "-", text="\n".join(inside))

    def _unplug(self) -> None:
        """Park the NICs on the switch, down and without addresses, and drop the namespace."""
        host = self.host
        if not Path("/run/netns", host.netns).exists():
            return
        moves = [f"link set {nic.name} netns {host.switch_netns} name {nic.parked}"
                 for nic in host.nics]  # fmt: skip
        # A host may have renamed or removed a NIC: what does not move is made anew at power on.
        run("ip", "-n", host.netns, "-force", "-batch", "-", text="\n".join(moves), check=False)
        run("ip", "netns", "del", host.netns, check=False)


def init_pid(supervisor: int) -> int | None:
    """PID 1 of the container, as the machine numbers it: the only child of its systemd-nspawn."""
    try:
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def in_cgroups(dirs: Sequence[Path]) -> list[str]:
    """Prefix of a command that runs it inside these cgroup directories."""
    join = 'echo 0 > "$1/cgroup.procs" || exit 1'
    script = f'while [ "$1" != -- ]; do {join}; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", script, "in-cgroups", *map(str, dirs), "--"]
