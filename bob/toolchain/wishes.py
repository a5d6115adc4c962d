"""What an inventory says about the tools, in the words of `ensure`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bob.toolchain.model import Tool, Toolchain
from bob.toolchain.progress import SILENT, Progress
from bob.toolchain.resolve import ensure, status
from bob.toolchain.tools import TOOLS

if TYPE_CHECKING:
    from inventory import Cluster


@dataclass(frozen=True)
class Wishes:
    """Versions and pinned archive sums by tool name, a folder with own binaries, a mirror."""

    versions: Mapping[str, str] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    mirror: str | None = None

    def ensure(self, progress: Progress = SILENT) -> Toolchain:
        """All three tools as wished; see `bob.toolchain.ensure`."""
        return ensure(
            versions=self.versions,
            sha256=self.sha256,
            path=self.path,
            mirror=self.mirror,
            progress=progress,
        )

    def status(self) -> dict[str, Tool | None]:
        """What is there already; see `bob.toolchain.status`."""
        return status(versions=self.versions, sha256=self.sha256, path=self.path)

    def wanted_version(self, name: str) -> str:
        """The wished version of a tool, or the one Bob is made for."""
        return self.versions.get(name, TOOLS[name].version)


def wishes_of(
    cluster: Cluster | None, *, path: Path | None = None, mirror: str | None = None
) -> Wishes:
    """The wishes of a cluster's inventory; `path` and `mirror` of the command line go first."""
    if cluster is None:
        return Wishes(path=path, mirror=mirror)
    source = cluster.toolchain
    return Wishes(
        versions={name: getattr(cluster.versions, _key(name)) for name in TOOLS},
        sha256={_name(tool.value): str(value) for tool, value in source.sha256.items()},
        path=path or source.path,
        mirror=mirror or (None if source.mirror is None else str(source.mirror)),
    )


def _key(name: str) -> str:
    """A tool's name as a key of the inventory."""
    return name.replace("-", "_")


def _name(key: str) -> str:
    return key.replace("_", "-")
