"""What the sandbox needs from the machine, and the command that brings it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bob.errors import PreflightRefused

# Debian package -> a file or program by which we see that it is there.
_EVIDENCE: dict[str, str] = {
    "apt": "apt-config",
    "debootstrap": "debootstrap",
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "systemd-container": "systemd-nspawn",
    "iproute2": "ip",
    "nftables": "nft",
    "openssh-client": "ssh-keygen",
    "ipmitool": "ipmitool",
    "libpopt0": "/usr/lib/{triplet}/libpopt.so.0",
    "busybox-static": "busybox",
}
PACKAGES: tuple[str, ...] = tuple(sorted(_EVIDENCE))


def check() -> None:
    """Raise `PreflightRefused` unless we are root and every package is there."""
    check_root()
    if missing := missing_packages():
        raise PreflightRefused(
            f"the sandbox needs packages that are not installed: {', '.join(missing)}",
            cure=f"apt-get update && apt-get install --yes {' '.join(missing)}",
        )
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        raise PreflightRefused(
            "the kernel of this machine has no overlayfs", cure="Load it: modprobe overlay"
        )


def check_root() -> None:
    """Raise `PreflightRefused` unless we are root: namespaces and mounts need it."""
    if os.geteuid() != 0:
        raise PreflightRefused(
            "the sandbox makes namespaces, mounts and cgroups: it needs root",
            cure="Run the same command with sudo.",
        )


def missing_packages() -> list[str]:
    """Packages of `PACKAGES` of which nothing is seen on this machine."""
    return [package for package in PACKAGES if not _present(_EVIDENCE[package])]


def _present(evidence: str) -> bool:
    if evidence.startswith("/"):
        return Path(evidence.format(triplet=f"{os.uname().machine}-linux-gnu")).exists()
    return shutil.which(evidence, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None
