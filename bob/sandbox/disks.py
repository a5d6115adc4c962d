"""What makes a host itself: directories, name and keys, written once onto its empty disk."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from bob.machine.programs import run
from bob.sandbox.container import Host, Nic
from bob.sandbox.layout import NETWORKS, Layout, NodeLayout

_HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


def make_operator_key(layout: Layout) -> None:
    """Make the SSH key that root of every host accepts."""
    if not layout.ssh_key.exists():
        layout.ssh_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _generate_key(layout.ssh_key, f"sandbox {layout.name}")


def prepare(layout: Layout, node: NodeLayout, image: Path, hierarchies: dict[str, str]) -> None:
    """Make what is missing of a host: directories, disk, BMC password. Empty disks get `image`."""
    for folder in (node.work, node.root, node.docker, node.run, node.bmc):
        folder.mkdir(parents=True, exist_ok=True)
    node.bmc.chmod(0o700)
    if not node.bmc_password_file.exists():
        node.bmc_password_file.touch(0o600)
        node.bmc_password_file.write_text(secrets.token_hex(8))  # IPMI 2.0 allows 20 bytes
    node.host_pid_file.unlink(missing_ok=True)  # of an earlier life of this machine
    installed = node.upper.exists()
    if installed:
        image = Path(Host.load(node.host_file).image)  # a disk belongs to the image below it
    describe(layout, node, image, hierarchies).save(node.host_file)
    if not installed:
        _install(layout, node)


def describe(layout: Layout, node: NodeLayout, image: Path, hierarchies: dict[str, str]) -> Host:
    """The host as its mainboard must know it."""
    nics = tuple(
        Nic(
            name=node.interface(network),
            mac=node.mac(network),
            address=f"{node.addresses[network]}/24",
            port=node.port(network),
            bridge=network,
            parked=f"{node.name}-{node.interface(network)}",
        )
        for network in NETWORKS
    )
    return Host(
        name=node.name,
        netns=node.netns,
        switch_netns=layout.netns,
        nics=nics,
        cgroup=node.cgroup,
        hierarchies=hierarchies,
        dir=str(node.dir),
        image=str(image),
        serial_port=node.serial_port,
    )


def erase(node: NodeLayout) -> None:
    """Remove all a switched-off host has written: it becomes a freshly installed machine."""
    unmount([node.root])
    for folder in (node.upper, node.work, node.docker):
        shutil.rmtree(folder, ignore_errors=True)


def write_known_hosts(layout: Layout) -> None:
    """Write the host keys of all hosts, which we know since we made them."""
    lines = []
    for node in layout:
        public = node.upper / f"{_HOST_KEY}.pub"
        if public.exists():  # not yet, on a host that an interrupted `up` did not finish
            kind, key, *_ = public.read_text().split()
            lines += [f"{address} {kind} {key}\n" for address in node.addresses.values()]
    layout.known_hosts.write_text("".join(lines))


def unmount(below: Iterable[Path]) -> None:
    """Unmount everything at or below these directories, the newest first."""
    tops = [str(path.resolve()) for path in below]
    mounts = [
        line.split(" ")[4].replace("\\040", " ")
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
    ]
    for mount in reversed(mounts):
        if any(mount == top or mount.startswith(f"{top}/") for top in tops):
            run("umount", "--lazy", mount)


def _install(layout: Layout, node: NodeLayout) -> None:
    fresh = node.dir / "upper.new"
    shutil.rmtree(fresh, ignore_errors=True)
    files = {
        "etc/hostname": f"{node.name}\n",
        "etc/machine-id": f"{node.machine_id}\n",
        "etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {node.name}\n",
        "root/.ssh/authorized_keys": layout.ssh_key.with_suffix(".pub").read_text(),
    }
    for name, text in files.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for private in (fresh / "root", fresh / "root/.ssh"):
        private.chmod(0o700)
    key = fresh / _HOST_KEY
    key.parent.mkdir(parents=True)
    _generate_key(key, f"root@{node.name}")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(node.work)
    node.work.mkdir()
    fresh.rename(node.upper)


def _generate_key(path: Path, comment: str) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))
