"""The file systems that are worth watching, out of everything that is mounted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from healthcheck.node.facts import Mount

MOUNTS = Path("/proc/self/mountinfo")
TABLE = Path("/etc/fstab")
# What holds data and may fill up, fail, or hang. `overlay` only as the root of the host: the others
# are containers'.
LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat"})
REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "lustre", "ocfs2", "gfs2"})
REMOTE_PREFIX = "fuse"
ROOT = "/"


def mounts(text: str, fstab: str) -> tuple[Mount, ...]:
    """From the text of `MOUNTS` (proc(5)) and of the host's fstab(5); each file system once."""
    found: dict[str, Mount] = {}
    wanted = _readonly_by_table(fstab)
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        head, tail = before.split(), after.split()
        if len(head) < 6 or len(tail) < 3:
            continue
        device, place, kind = head[2], _plain(head[4]), tail[0]
        if not _watched(kind, place):
            continue
        mount = Mount(place, kind, "ro" in tail[2].split(","), place in wanted)
        # Bind mounts show the same file system elsewhere: the shortest way to it counts. Remote
        # ones may hang one by one.
        key = device if kind in LOCAL else place
        if key not in found or len(place) < len(found[key].place):
            found[key] = mount
    return tuple(sorted(found.values(), key=lambda mount: mount.place))


def read() -> tuple[Mount, ...]:
    """Those of this host. Reading the table of mounts never hangs, whatever is mounted."""
    fstab = TABLE.read_text(encoding="utf-8", errors="replace") if TABLE.exists() else ""
    return mounts(MOUNTS.read_text(encoding="utf-8", errors="replace"), fstab)


def _watched(kind: str, place: str) -> bool:
    if kind in LOCAL or kind in REMOTE or kind.startswith(REMOTE_PREFIX):
        return not kind.startswith("fusectl")
    return place == ROOT  # whatever it is, a host without space there does not work


def _readonly_by_table(fstab: str) -> frozenset[str]:
    return frozenset(_readonly_lines(fstab.splitlines()))


def _readonly_lines(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        fields = line.split("#", 1)[0].split()
        if len(fields) >= 4 and "ro" in fields[3].split(","):
            yield _plain(fields[1])


def _plain(place: str) -> str:
    """The kernel writes blanks in paths as octal numbers."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        place = place.replace(code, character)
    return place
