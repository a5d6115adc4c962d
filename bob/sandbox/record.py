"""One sandbox as it exists on this machine: its record, its hosts, a shell in them."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from bob import paths
from bob.errors import UsageError
from bob.sandbox import bmc
from bob.sandbox.bmc import Bmc
from bob.sandbox.cgroups import Hierarchies
from bob.sandbox.layout import Layout, NodeLayout, check_name

DEFAULT_NAME = "sandbox"


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that was brought up. Everything it is called is in `layout`."""

    layout: Layout
    hierarchies: Hierarchies

    @classmethod
    def load(cls, name: str = DEFAULT_NAME) -> Sandbox:
        """Read the record. Raises `UsageError` when there is no such sandbox."""
        check_name(name)
        sandbox = read(paths.sandbox_dir() / name / "sandbox.json")
        if sandbox is None:
            known = ", ".join(names()) or "none"
            raise UsageError(
                f"there is no sandbox {name!r} (there are: {known})",
                cure=f"bob sandbox up --name {name}",
            )
        return sandbox

    def save(self) -> None:
        """Write the record, completely or not at all."""
        layout = self.layout
        record = {
            "name": layout.name,
            "slot": layout.slot,
            "nodes": layout.nodes,
            "cgroups": self.hierarchies.to_json(),
        }
        layout.dir.mkdir(parents=True, exist_ok=True, mode=0o755)
        temporary = layout.record.with_suffix(".new")
        temporary.write_text(json.dumps(record, indent=1) + "\n")
        temporary.rename(layout.record)

    @property
    def name(self) -> str:
        """The sandbox's name."""
        return self.layout.name

    @property
    def nodes(self) -> list[NodeLayout]:
        """All hosts."""
        return list(self.layout)

    def node(self, name: str) -> NodeLayout:
        """The host of that name. Raises `UsageError` when there is none."""
        return self.layout.node(name)

    def bmc(self, name: str) -> Bmc:
        """The BMC of a host."""
        return bmc.of(self.node(name))

    def ssh_command(self, name: str, argv: list[str] | None = None) -> list[str]:
        """The ssh command line that runs `argv` in a host as root; interactive without `argv`.

        The words of `argv` arrive there as they are: they are quoted for the shell in between.
        """
        options = {
            "IdentityFile": str(self.layout.ssh_key),
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": str(self.layout.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": "5",
            "LogLevel": "ERROR",
        }
        words = [f"-o{name}={value}" for name, value in options.items()]
        target = f"root@{self.node(name).addresses['mgmt']}"
        command = [target, shlex.join(argv)] if argv else ["-t", target]
        return ["ssh", "-F", "none", *words, *command]

    def power(self, name: str) -> str:
        """What the host really does, not what its BMC says: on, off, or hung (frozen)."""
        cgroup = self.node(name).cgroup
        if not self.hierarchies.populated(cgroup):
            return "off"
        return "hung" if self.hierarchies.frozen(cgroup) else "on"


def read(path: Path) -> Sandbox | None:
    """The sandbox of a record file; None when there is no such file."""
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    layout = Layout(record["name"], record["slot"], record["nodes"], path.parent.parent)
    return Sandbox(layout, Hierarchies.from_json(record["cgroups"]))


def names() -> list[str]:
    """Names of all sandboxes of this machine."""
    return sorted(path.parent.name for path in paths.sandbox_dir().glob("*/sandbox.json"))


def all_records() -> list[Sandbox]:
    """All sandboxes of this machine."""
    found = [read(paths.sandbox_dir() / name / "sandbox.json") for name in names()]
    return [sandbox for sandbox in found if sandbox]  # one may have been removed meanwhile
