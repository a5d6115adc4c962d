"""What is wrong with an inventory file, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Violation:
    """One broken law, or one warning. `line` counts from 1; `key` is like `nodes[2].bmc.port`."""

    file: Path
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        """In the form editors and compilers use: `file:line: key: message`."""
        return f"{self.file}:{self.line}: " + (f"{self.key}: " if self.key else "") + self.message


class InventoryError(Exception):
    """The file cannot be used. `violations` holds every reason at once, in the order of lines."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(sorted(violations))
        super().__init__("\n".join(map(str, self.violations)))
