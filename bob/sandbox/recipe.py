"""What is in the image of the emulated hosts: a bare Debian, quick to boot as a container."""

from __future__ import annotations

import hashlib
import json

from bob.sandbox.layout import SLOTS
from bob.sandbox.node_layout import address

RELEASE = "bookworm"

PACKAGES = (
    "systemd", "systemd-sysv", "udev", "dbus", "openssh-server", "sudo", "python3", "procps",
    "kmod", "libc-bin", "ca-certificates", "curl", "iproute2", "iputils-ping", "iptables",
    "nftables", "busybox-static", "docker.io", "haproxy", "keepalived", "qemu-system-x86",
)  # fmt: skip

# Installed, but not running on a bare host.
DISABLED = ("haproxy.service", "keepalived.service")

# Units that only cost time in a container: hardware, consoles, housekeeping of long-lived machines.
MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "fstrim.timer", "systemd-tmpfiles-clean.timer", "e2scrub_reap.service", "remote-fs.target",
    "getty.target", "console-getty.service", "systemd-pstore.service",
    "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket", "systemd-hwdb-update.service", "kmod-static-nodes.service",
    "systemd-modules-load.service", "systemd-random-seed.service", "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service", "systemd-machine-id-commit.service",
    "systemd-firstboot.service", "systemd-binfmt.service", "systemd-remount-fs.service",
    "systemd-ask-password-wall.path", "systemd-ask-password-console.path",
    "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
    "proc-sys-fs-binfmt_misc.automount", "systemd-repart.service", "systemd-sysext.service",
    "systemd-fsckd.socket", "systemd-sysusers.service", "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service", "systemd-initctl.socket", "keyboard-setup.service",
)  # fmt: skip

# On a cgroup v1 machine nspawn hands the controllers over read-only; docker and Nomad write them.
_CGROUPS_UNIT = """\
[Unit]
Description=Make the cgroup controllers writable
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for c in /sys/fs/cgroup/*/; do [ -L "$${c%/}" ] || \
mount -o remount,bind,rw "$c" 2>/dev/null || true; done'

[Install]
WantedBy=sysinit.target
"""

# cgroupfs: systemd in a container does not own the controllers of a hybrid machine.
_DOCKER_CONFIG = {
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "storage-driver": "overlay2",
    "log-opts": {"max-size": "10m"},
    # The sandbox's own registry, in whichever slot this host will be, speaks plain HTTP.
    "insecure-registries": [f"{address(slot, 'mgmt', 0)}/24" for slot in SLOTS],
}

# containerd probes each plugin's storage at start; docker uses none of these.
_CONTAINERD_CONFIG = """\
version = 2
disabled_plugins = [
  "io.containerd.grpc.v1.cri",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.opt",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]
"""

FILES: dict[str, str] = {
    "etc/systemd/system/sandbox-cgroups.service": _CGROUPS_UNIT,
    "etc/docker/daemon.json": json.dumps(_DOCKER_CONFIG, indent=2) + "\n",
    "etc/containerd/config.toml": _CONTAINERD_CONFIG,
    "etc/systemd/journald.conf.d/size.conf": "[Journal]\nSystemMaxUse=64M\n",
}

# Left by the installation: a host makes or gets its own. logind is started when it is asked for.
REMOVED = (
    "lib/systemd/system/multi-user.target.wants/systemd-logind.service",
    "etc/hostname", "etc/machine-id", "etc/resolv.conf", "var/lib/dbus/machine-id",
    "etc/ssh/ssh_host_*", "var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*",
)  # fmt: skip

LINKS: dict[str, str] = {
    "etc/systemd/system/sysinit.target.wants/sandbox-cgroups.service": (
        "/etc/systemd/system/sandbox-cgroups.service"
    ),
    **{f"etc/systemd/system/{unit}": "/dev/null" for unit in MASKED},
}


def digest() -> str:
    """Changes whenever an image built from this recipe would."""
    parts = [RELEASE, PACKAGES, DISABLED, FILES, REMOVED, LINKS]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
