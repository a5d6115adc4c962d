"""Control groups of the emulated hosts, on hybrid (v1 + unified) and pure v2 machines.

Each host has one cgroup in every hierarchy, so that it can be killed and frozen as a whole. They
lie below the cgroups of the process that made the sandbox, hence within its limits.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from bob.waiting import Deadline, wait_for

CGROUP2_MAGIC = "cgroup2"


class Hierarchies:
    """The directories below which a sandbox makes its cgroups.

    `unified` belongs to cgroup v2 (it alone can kill and tell what is populated), `others` maps the
    controllers of each v1 hierarchy ("cpu", "name=systemd") to its directory; empty on pure v2.
    """

    def __init__(self, unified: Path, others: dict[str, Path]) -> None:
        self.unified = unified
        self.others = others

    @classmethod
    def of_this_process(cls) -> Hierarchies:
        """Read them from /proc/self. Raises `LookupError` without a cgroup v2 mount."""
        return cls.parse(
            Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text()
        )

    @classmethod
    def parse(cls, cgroup: str, mountinfo: str) -> Hierarchies:
        """From the texts of /proc/self/cgroup and /proc/self/mountinfo."""
        mounts = dict(_mounts(mountinfo))
        if "" not in mounts:
            raise LookupError("no cgroup v2 file system is mounted")
        unified, others = mounts[""], {}
        for line in cgroup.splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                own = unified / path.lstrip("/")
            elif controllers in mounts:
                others[controllers] = mounts[controllers] / path.lstrip("/")
        # On pure v2 a cgroup that holds processes cannot hand controllers to its children; the
        # root can.
        return cls(own if others else unified, others)

    @classmethod
    def from_json(cls, record: dict[str, str]) -> Hierarchies:
        """The inverse of `to_json`."""
        others = {name: Path(path) for name, path in record.items() if name}
        return cls(Path(record[""]), others)

    def to_json(self) -> dict[str, str]:
        """Controllers -> directory; the unified one has an empty name."""
        return {"": str(self.unified)} | {name: str(path) for name, path in self.others.items()}

    def unified_dir(self, cgroup: str) -> Path:
        """The v2 directory of a cgroup, with cgroup.kill, cgroup.events and cgroup.procs."""
        return self.unified / cgroup

    def freezer_file(self, cgroup: str) -> tuple[Path, str, str]:
        """The file that freezes a cgroup, with the words for frozen and for running."""
        if "freezer" in self.others:
            return self.others["freezer"] / cgroup / "freezer.state", "FROZEN", "THAWED"
        return self.unified / cgroup / "cgroup.freeze", "1", "0"

    def dirs(self, cgroup: str) -> list[Path]:
        """The directories of a cgroup in all hierarchies."""
        return [self.unified / cgroup, *(parent / cgroup for parent in self.others.values())]

    def make(self, cgroup: str) -> list[Path]:
        """Make a cgroup (and its parents) in all hierarchies; return its directories."""
        return [_make(top, cgroup) for top in (self.unified, *self.others.values())]

    def make_unified(self, cgroup: str) -> Path:
        """Make a cgroup in the unified hierarchy alone: enough to find and kill processes."""
        return _make(self.unified, cgroup)

    def kill(self, cgroup: str, seconds: float = 5.0) -> None:
        """Kill everything in a cgroup, frozen or not, and wait until nothing is left.

        Kill first, thaw after: a frozen host that is thawed first still answers for 100 ms.
        Raises `DeadlinePassed` when something is still alive after `seconds`.
        """
        group = self.unified / cgroup
        if not group.is_dir():
            return
        _write(group / "cgroup.kill", "1")
        for path in [group, *(Path(folder) for folder, _, _ in os.walk(group))]:
            _write(path / "cgroup.freeze", "0")
        if "freezer" in self.others:
            for folder, _, _ in os.walk(self.others["freezer"] / cgroup, topdown=False):
                _write(Path(folder) / "freezer.state", "THAWED")
        wait_for(
            lambda: not self.populated(cgroup),
            what=f"all processes of cgroup {cgroup} gone",
            deadline=Deadline(seconds),
            interval=0.002,
        )

    def populated(self, cgroup: str) -> bool:
        """True while a process lives in the cgroup or below it."""
        return _event(self.unified / cgroup, "populated")

    def frozen(self, cgroup: str) -> bool:
        """True when the cgroup is frozen, by either mechanism."""
        if _event(self.unified / cgroup, "frozen"):
            return True
        file, _, running = self.freezer_file(cgroup)
        with contextlib.suppress(OSError):
            return file.read_text().strip() != running  # v1 says FREEZING for a while
        return False

    def remove(self, cgroup: str) -> None:
        """Remove a cgroup and all below it, in all hierarchies. What is still in use stays."""
        for path in self.dirs(cgroup):
            for folder, _, _ in os.walk(path, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()


def _mounts(mountinfo: str) -> Iterable[tuple[str, Path]]:
    """Controllers ("" for v2, "name=systemd" for a named one) -> mount point."""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        place = Path(left.split(" ")[4])
        if kind == CGROUP2_MAGIC:
            yield "", place
        elif kind == "cgroup":
            words = [word for word in options.split(",") if word not in ("rw", "ro", "xattr")]
            yield ",".join(word for word in words if not word.startswith("release_agent")), place


def _event(group: Path, name: str) -> bool:
    with contextlib.suppress(OSError):
        return f"{name} 1" in (group / "cgroup.events").read_text().splitlines()
    return False


def _make(top: Path, cgroup: str) -> Path:
    path = top
    for part in Path(cgroup).parts:
        _hand_down_controllers(path)
        path /= part
        path.mkdir(exist_ok=True)
        _inherit_cpuset(path)
    return path


def _hand_down_controllers(path: Path) -> None:
    """On v2: let the children of `path` have every controller that it has itself."""
    with contextlib.suppress(OSError):
        for controller in (path / "cgroup.controllers").read_text().split():
            _write(path / "cgroup.subtree_control", f"+{controller}")


def _inherit_cpuset(path: Path) -> None:
    """On v1: a new cpuset is empty and takes no process until it names processors and memory."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        with contextlib.suppress(OSError):
            if not (path / name).read_text().strip():
                _write(path / name, (path.parent / name).read_text())


def _write(file: Path, text: str) -> None:
    with contextlib.suppress(OSError):
        file.write_text(text)
