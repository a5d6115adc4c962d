"""The three programs: versions, how each is built and how each says its version."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bob.errors import UsageError

MODULES = Path(__file__).parent / "modules"
LDFLAGS = "-s -w"

# Names of machines as Python and the kernel give them -> names as Go and the vendor give them.
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
OS = "linux"  # the programs are for the hosts, which run Debian


@dataclass(frozen=True)
class ToolSpec:
    """One program. `package` is the Go package of its main function."""

    name: str
    version: str
    package: str
    version_argument: str
    cgo: bool = False
    tags: str = ""

    @property
    def module(self) -> Path:
        """Folder with the `go.mod` and `go.sum` that fix every source file of the build."""
        return MODULES / self.name

    @property
    def flags(self) -> list[str]:
        """Arguments of `go build` that change the result. `go.mod` is never changed by a build."""
        flags = ["-mod=readonly", "-trimpath", "-ldflags", LDFLAGS]
        return [*flags, "-tags", self.tags] if self.tags else flags

    @property
    def recipe(self) -> str:
        """16 hex digits that differ when a build would differ.

        The version of the Go compiler is left out on purpose: an upgrade of Go must not cost the
        operator eight minutes for a binary that behaves the same.
        """
        digest = hashlib.sha256()
        for file in ("go.mod", "go.sum"):
            digest.update((self.module / file).read_bytes())
        digest.update(repr((self.package, self.cgo, self.flags)).encode())
        return digest.hexdigest()[:16]


# Nomad without cgo has no `exec` driver; its tag `release` removes the mock driver and fail hooks,
# `ui` adds the web interface, `codegen_generated` the committed message encoders.
TOOLS = {
    spec.name: spec
    for spec in (
        ToolSpec("consul", "1.22.3", "github.com/hashicorp/consul", "version"),
        ToolSpec(
            "nomad", "1.11.3", "github.com/hashicorp/nomad", "version",
            cgo=True, tags="ui codegen_generated hashicorpmetrics release",
        ),
        ToolSpec(
            "consul-template", "0.42.1", "github.com/hashicorp/consul-template", "-version",
        ),
    )
}  # fmt: skip


def spec_of(name: str) -> ToolSpec:
    """The program called `name`. Raises `UsageError` for a name that is none of the three."""
    try:
        return TOOLS[name]
    except KeyError:
        raise UsageError(
            f"there is no tool named {name!r}", cure=f"Use one of: {', '.join(TOOLS)}."
        ) from None


@cache
def architecture() -> str:
    """This machine's processor as Go and the vendor name it: amd64 or arm64."""
    machine = platform.machine().lower()
    if machine not in ARCHITECTURES:
        raise UsageError(
            f"no binaries are known for processor {machine!r}",
            cure="Run Bob on an x86-64 or ARM-64 machine, or give your own binaries with --path.",
        )
    return ARCHITECTURES[machine]
