"""How every command reads the inventory: warnings to stderr, a bad file is a usage error."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from bob import console
from bob.errors import UsageError

if TYPE_CHECKING:
    from inventory import Cluster, InventoryError, Violation

FileOption = Annotated[
    Path, typer.Option("--file", "-f", help="The inventory file.", show_default=True)
]
DEFAULT_FILE = Path("cluster.yaml")


def load_cluster(path: Path) -> Cluster:
    """The cluster of an inventory file. Raises `UsageError` that lists every violation."""
    from inventory import InventoryError, load

    try:
        loaded = load(path)
    except InventoryError as error:
        raise refusal(path, error) from error
    print_warnings(loaded.warnings)
    return loaded.cluster


def refusal(path: Path, error: InventoryError) -> UsageError:
    """The error of a command that was given a bad inventory."""
    lines = "\n".join(f"  {violation}" for violation in error.violations)
    return UsageError(
        f"the inventory {path} cannot be used:\n{lines}",
        cure="Mend these lines, then run `bob inventory check`;"
        " `bob inventory example` prints a file that is right.",
    )


def print_warnings(warnings: Iterable[Violation]) -> None:
    """One line each, on stderr."""
    for warning in warnings:
        console.err.print(f"[yellow]warning:[/] {escape(str(warning))}")
