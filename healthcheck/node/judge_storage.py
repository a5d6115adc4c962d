"""Rules about file systems and disks. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from healthcheck.findings import Finding, Level, ok
from healthcheck.node.facts import Disk, NodeFacts, Space

GIB = 1024**3
# A share alone says too little: a twentieth of a large disk is plenty, of a small one nothing.
# Databases and Consul's raft stop writing when nothing is free, so the second one is critical.
LOW_SHARE, LOW_BYTES = 0.15, 20 * GIB
LAST_SHARE, LAST_BYTES = 0.05, 4 * GIB
LOW_INODES, LAST_INODES = 0.10, 0.02


def judge(facts: NodeFacts) -> Iterator[Finding]:
    """Every file system and every disk that was looked at."""
    for space in facts.spaces or ():
        yield from _space(space)
    for disk in facts.disks or ():
        yield from _disk(disk)


def _space(space: Space) -> Iterator[Finding]:
    place = space.mount.place
    if space.hangs:
        yield Finding(
            Level.CRITICAL, place, f"does not answer ({space.mount.kind})",
            f"Is its server or disk there? Processes that use it hang: umount -f -l {place}",
        )  # fmt: skip
        return
    found = list(_faults(space))
    yield from found or (ok(place, "has space"),)


def _faults(space: Space) -> Iterator[Finding]:
    place, mount = space.mount.place, space.mount
    if mount.readonly and not mount.wants_readonly:
        yield Finding(
            Level.CRITICAL, place, "can only be read: the kernel does so after an error",
            f"Look at dmesg; check the disk, then: mount -o remount,rw {place}",
        )  # fmt: skip
    if space.size and (level := _level(space)):
        much = "nearly full" if level is Level.WARNING else "full"
        yield Finding(
            level, place, f"is {much}",
            f"Make room: du -xh -d 2 {place} | sort -h | tail; docker image prune -a",
        )  # fmt: skip
    if space.inodes and (level := _inode_level(space)):
        much = "few" if level is Level.WARNING else "no"
        yield Finding(
            level, place, f"has {much} inodes left",
            f"Remove small files: du --inodes -xd 2 {place} | sort -n | tail",
        )  # fmt: skip


def _level(space: Space) -> Level | None:
    share = space.free / space.size
    if share < LAST_SHARE and space.free < LAST_BYTES:
        return Level.CRITICAL
    if share < LOW_SHARE and space.free < LOW_BYTES:
        return Level.WARNING
    return None


def _inode_level(space: Space) -> Level | None:
    share = space.inodes_free / space.inodes
    if share < LAST_INODES:
        return Level.CRITICAL
    return Level.WARNING if share < LOW_INODES else None


def _disk(disk: Disk) -> Iterator[Finding]:
    subject = f"disk {disk.name}"
    why = f": {disk.detail}" if disk.detail else ""
    if disk.passed is False:
        yield Finding(
            Level.CRITICAL, subject, f"says that it fails{why}",
            f"Take the node out (bob maintain) and replace it; smartctl -a /dev/{disk.name}",
        )  # fmt: skip
    elif disk.detail:
        yield Finding(
            Level.WARNING, subject, disk.detail, f"smartctl -a /dev/{disk.name}; plan to replace it"
        )
    elif disk.passed:
        yield ok(subject, "passed its own test")
