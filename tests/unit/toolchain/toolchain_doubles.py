"""Stand-ins for the one who looks and for the build."""

from __future__ import annotations

from dataclasses import dataclass, field

from vendor_site import program

from bob.toolchain import cache
from bob.toolchain.model import Run, Tool, Unavailable, Wanted
from bob.toolchain.sources.cached import build_slot


@dataclass
class Recorder:
    """A `Progress` that remembers what it was told."""

    stages: list[str] = field(default_factory=list)
    amounts: list[tuple[int, int | None, str]] = field(default_factory=list)
    ready: list[str] = field(default_factory=list)

    def stage(self, tool: str, text: str) -> None:
        self.stages.append(f"{tool}: {text}")

    def advance(self, tool: str, done: int, total: int | None, unit: str) -> None:
        self.amounts.append((done, total, unit))

    def finished(self, tool: str, text: str) -> None:
        self.ready.append(f"{tool}: {text}")


@dataclass
class FakeBuild:
    """A build at the interface of a source. `failure` makes it impossible."""

    failure: Unavailable | None = None
    built: list[str] = field(default_factory=list)
    name: str = "build"

    def find(self, wanted: Wanted, run: Run) -> Tool:
        if self.failure:
            raise self.failure
        self.built.append(wanted.name)
        with cache.workspace(wanted.name) as work:
            binary = work / wanted.name
            binary.write_bytes(program(wanted.name, wanted.version))
            slot = build_slot(wanted)
            return cache.install(wanted.name, slot, binary, wanted.version, self.name, "go 1.0.0")
