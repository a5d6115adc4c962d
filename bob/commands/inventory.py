"""`bob inventory check | example | schema`: everything about the inventory file without a host."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from bob import console
from bob.commands._inventory import DEFAULT_FILE, FileOption, print_warnings, refusal
from bob.console import Format, OutputOption

if TYPE_CHECKING:
    from inventory import Cluster, Violation

SCHEMA = "bob/inventory-check/1"


def register(app: typer.Typer) -> None:
    """Add the group `inventory`."""
    group = typer.Typer(no_args_is_help=True, help="Check the inventory file, or see an example.")
    group.command()(check)
    group.command()(example)
    group.command()(schema)
    app.add_typer(group, name="inventory")


def check(file: FileOption = DEFAULT_FILE, output: OutputOption = Format.TEXT) -> None:
    """Check an inventory file; exit 2 and list every violation when it cannot be used."""
    from inventory import InventoryError, load

    try:
        loaded = load(file)
    except InventoryError as error:
        if output is Format.JSON:
            console.print_json(_view(file, error.violations, (), None))
        raise refusal(file, error) from error
    view = _view(file, (), loaded.warnings, loaded.cluster)
    print_warnings(loaded.warnings)
    console.emit(view, output, lambda: _draw(view))


def example() -> None:
    """Print an inventory file with comments, to start from."""
    from importlib.resources import files

    sys.stdout.write(files("inventory").joinpath("example.yaml").read_text(encoding="utf-8"))


def schema() -> None:
    """Print the JSON Schema of the inventory file, for editors."""
    from inventory.schema import text

    sys.stdout.write(text())


def _view(
    file: Path,
    violations: Sequence[Violation],
    warnings: Sequence[Violation],
    cluster: Cluster | None,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "file": str(file),
        "valid": not violations,
        "violations": [_entry(violation) for violation in violations],
        "warnings": [_entry(warning) for warning in warnings],
        "cluster": None if cluster is None else _summary(cluster),
    }


def _entry(violation: Violation) -> dict[str, Any]:
    return {
        "file": str(violation.file),
        "line": violation.line,
        "key": violation.key,
        "message": violation.message,
    }


def _summary(cluster: Cluster) -> dict[str, Any]:
    from inventory import choose_servers

    return {
        "name": cluster.name,
        "networks": {name: str(cluster.networks[name].cidr) for name in cluster.network_names()},
        "nodes": [{"name": node.name, "zone": node.zone} for node in cluster.nodes],
        "servers": list(choose_servers(cluster)),
        "digest": cluster.digest(),
    }


def _draw(view: dict[str, Any]) -> None:
    cluster = view["cluster"]
    zones = {node["name"]: node["zone"] for node in cluster["nodes"]}
    servers = ", ".join(f"{name} (zone {zones[name]})" for name in cluster["servers"])
    networks = ", ".join(f"{name} {cidr}" for name, cidr in cluster["networks"].items())
    console.out.print(
        f"[green]ok[/]: {escape(view['file'])} describes the cluster {cluster['name']}"
    )
    console.out.print(f"  nodes     {len(zones)} in {len(set(zones.values()))} zone(s)")
    console.out.print(f"  networks  {networks}")
    console.out.print(f"  servers   {servers}")
