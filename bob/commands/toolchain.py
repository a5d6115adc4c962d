"""`bob toolchain`: have the consul, nomad and consul-template binaries ready."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bob import console
from bob.commands._inventory import load_cluster
from bob.console import Format, OutputOption

if TYPE_CHECKING:
    from bob.toolchain import Tool
    from bob.toolchain.wishes import Wishes

SCHEMA = "bob/toolchain/1"

InventoryOption = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", metavar="cluster.yaml",
        help="Inventory with the wanted versions, pinned sums, mirror and path.",
    ),
]  # fmt: skip
PathOption = Annotated[
    Path | None, typer.Option("--path", help="Folder with your own binaries; they are used first.")
]
MirrorOption = Annotated[
    str | None,
    typer.Option("--mirror", metavar="URL", help="Base address of the release archives."),
]


def register(app: typer.Typer) -> None:
    """Add `bob toolchain`."""
    group = typer.Typer(no_args_is_help=True, help="Have consul, nomad, consul-template ready.")
    group.command()(ensure)
    group.command()(status)
    app.add_typer(group, name="toolchain")


def ensure(
    file: InventoryOption = None,
    path: PathOption = None,
    mirror: MirrorOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Find, download or build what is missing: your path, cache, release archive, Go build."""
    from bob.toolchain.display import Display

    wishes = _wishes(file, path, mirror)
    with Display(console.err) as display:
        tools = wishes.ensure(display)
    _show({tool.name: tool for tool in tools}, wishes, output)


def status(
    file: InventoryOption = None,
    path: PathOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show which binaries are ready, without fetching any."""
    wishes = _wishes(file, path, None)
    _show(wishes.status(), wishes, output)


def _wishes(file: Path | None, path: Path | None, mirror: str | None) -> Wishes:
    from bob.toolchain.wishes import wishes_of

    return wishes_of(load_cluster(file) if file else None, path=path, mirror=mirror)


def _show(tools: Mapping[str, Tool | None], wishes: Wishes, output: Format) -> None:
    rows = [_row(name, wishes.wanted_version(name), tool) for name, tool in tools.items()]
    console.emit({"schema": SCHEMA, "tools": rows}, output, lambda: _draw(rows))


def _row(name: str, version: str, tool: Tool | None) -> dict[str, Any]:
    return {
        "name": name,
        "wanted": version,
        "state": "ready" if tool else "missing",
        "source": tool.source if tool else None,
        "path": str(tool.path) if tool else None,
        "sha256": tool.sha256 if tool else None,
        "size": tool.size if tool else None,
    }


def _draw(rows: list[dict[str, Any]]) -> None:
    """One line per tool; the path comes last and is never cut, so that it can be copied."""
    from rich.filesize import decimal
    from rich.markup import escape

    for row in rows:
        ready = row["state"] == "ready"
        state = f"[{'green' if ready else 'yellow'}]{row['state']:7}[/]"
        line = f"{row['name']:15}  {row['wanted']:8}  {state}"
        if ready:
            line += f"  {row['source']:7}  {decimal(row['size']):>8}  {escape(row['path'])}"
        console.out.print(line)
