"""How `ensure` tells what it is doing, without knowing who looks."""

from __future__ import annotations

from typing import Literal, Protocol

Unit = Literal["bytes", "packages"]


class Progress(Protocol):
    """Receives news about one tool at a time; may be called from several threads."""

    def stage(self, tool: str, text: str) -> None:
        """A new phase has begun, like "downloading …"."""

    def advance(self, tool: str, done: int, total: int | None, unit: Unit) -> None:
        """So much of the phase is done; `total` is None when it cannot be known."""

    def finished(self, tool: str, text: str) -> None:
        """The tool is ready."""


class Silent:
    """Tells nobody."""

    def stage(self, tool: str, text: str) -> None:
        """Ignore."""

    def advance(self, tool: str, done: int, total: int | None, unit: Unit) -> None:
        """Ignore."""

    def finished(self, tool: str, text: str) -> None:
        """Ignore."""


SILENT = Silent()
