"""Space on file systems and the state of disks, each asked by a child process of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from healthcheck.node import mounts
from healthcheck.node.children import Children, Ended
from healthcheck.node.facts import Disk, Mount, Space

STAT_SECONDS = 5.0
SMART_SECONDS = 20.0  # a disk that sleeps needs ten to wake up
BLOCK = Path("/sys/block")
# block size, blocks, free for us, inodes, free inodes: see stat(1), `--file-system`
STAT = ("stat", "--file-system", "--format=%S %b %a %c %d")
SMARTCTL = "smartctl"
SMART = (SMARTCTL, "--json", "--health", "--attributes")
# What smartctl's exit code says (smartctl(8)): the disk fails now, and an attribute is below its
# limit. The lower bits are about the call itself.
FAILING, PREFAIL = 8, 16


def spaces(children: Children) -> tuple[Space, ...]:
    """All file systems side by side; one that hangs is said to hang."""
    found = {mount.place: mount for mount in mounts.read()}
    programs = {place: (*STAT, place) for place in found}
    ended = children.run_all(programs, STAT_SECONDS)
    return tuple(_space(mount, ended[place]) for place, mount in found.items())


def _space(mount: Mount, ended: Ended | None) -> Space:
    if ended is None:
        return Space(mount, hangs=True)
    if ended.code:  # it was unmounted meanwhile, or its server is gone
        return Space(mount)
    block, blocks, free, inodes, inodes_free = (int(word) for word in ended.output.split())
    return Space(mount, blocks * block, free * block, inodes, inodes_free)


def disks(children: Children) -> tuple[Disk, ...]:
    """The disks that say how they are; none where smartctl is not installed."""
    if shutil.which(SMARTCTL) is None:
        return ()
    names = sorted(entry.name for entry in BLOCK.iterdir() if (entry / "device").exists())
    programs = {name: (*SMART, f"/dev/{name}") for name in names}
    ended = children.run_all(programs, SMART_SECONDS)
    return tuple(_disk(name, ended[name]) for name in names)


def _disk(name: str, ended: Ended | None) -> Disk:
    if ended is None:
        return Disk(name, None, "does not answer")
    try:
        return smart(name, ended.code, json.loads(ended.output))
    except ValueError:
        return Disk(name, None)


def smart(name: str, code: int, document: Mapping[str, Any]) -> Disk:
    """What smartctl's answer says: whether the disk passed its own test, and why not."""
    passed = document.get("smart_status", {}).get("passed")
    log = document.get("nvme_smart_health_information_log", {})
    details = []
    if warning := log.get("critical_warning"):
        details.append(f"critical warning {warning:#04x}")
    if log.get("percentage_used", 0) >= 100:
        details.append("worn out by its maker's measure")
    if code & PREFAIL:
        details.append("an attribute is below its limit")
    if code & FAILING:
        passed = False
    return Disk(name, passed, ", ".join(details))
