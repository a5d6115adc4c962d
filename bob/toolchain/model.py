"""What `ensure` is asked for and what it returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bob.errors import BobError
from bob.toolchain.progress import Progress
from bob.toolchain.tools import ToolSpec

if TYPE_CHECKING:
    from bob.toolchain.children import Children


class Unavailable(BobError):
    """This source cannot give the tool; the next one is tried."""


@dataclass(frozen=True)
class Wanted:
    """One tool in one version. `archive_sha256` is the operator's pin of the release archive."""

    spec: ToolSpec
    version: str
    archive_sha256: str | None = None

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.spec.name


@dataclass(frozen=True)
class Tool:
    """A verified binary. `sha256` is of the binary; `slot` is its folder in the cache."""

    name: str
    version: str
    path: Path
    sha256: str
    size: int
    source: str
    slot: Path


@dataclass(frozen=True)
class Toolchain:
    """The tools that were asked for, by name. Asking for another one is a `KeyError`."""

    tools: Mapping[str, Tool]

    def __getitem__(self, name: str) -> Tool:
        return self.tools[name]

    def __iter__(self) -> Iterator[Tool]:
        return iter(self.tools.values())

    @property
    def consul(self) -> Tool:
        """The consul binary."""
        return self.tools["consul"]

    @property
    def nomad(self) -> Tool:
        """The nomad binary."""
        return self.tools["nomad"]

    @property
    def consul_template(self) -> Tool:
        """The consul-template binary."""
        return self.tools["consul-template"]


@dataclass(frozen=True)
class Run:
    """What every source may use: the one who looks, and the keeper of child processes."""

    progress: Progress
    children: Children


class Source(Protocol):
    """A place where a tool can come from."""

    @property
    def name(self) -> str:
        """Shown to the operator and recorded with the binary."""

    def find(self, wanted: Wanted, run: Run) -> Tool:
        """The tool, verified. Raises `Unavailable` to let the next source try, or a final error."""
