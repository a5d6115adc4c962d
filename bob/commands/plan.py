"""`bob plan`: what `bob apply` would do, to make the cluster as the inventory file says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import load_context
from bob.commands._inventory import DEFAULT_FILE, FileOption, load_cluster
from bob.console import Format, OutputOption
from bob.errors import CHANGES_PENDING

if TYPE_CHECKING:
    from bob.context import Context
    from bob.ops.kind import Request
    from inventory import Cluster

SCHEMA = "bob/plan/1"
SIGNS = {"add-node": "[green]+[/]", "remove-node": "[red]-[/]"}


def register(app: typer.Typer) -> None:
    """Add `bob plan`."""
    app.command()(plan)


def plan(file: FileOption = DEFAULT_FILE, output: OutputOption = Format.TEXT) -> None:
    """Show what differs between the inventory file and the cluster; exit code 4 when anything."""
    context, _, requests, by_hand = compare(file)
    view = {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "operations": [as_json(request) for request in requests],
        "by_hand": list(by_hand),
    }

    def draw() -> None:
        if not requests and not by_hand:
            console.out.print(f"Cluster {context.cluster} is as {escape(str(file))} says.")
        draw_plan(requests, by_hand)
        if requests:
            console.out.print("Next: bob apply")

    console.emit(view, output, draw)
    if requests or by_hand:
        raise typer.Exit(CHANGES_PENDING)


def compare(file: Path) -> tuple[Context, Cluster, tuple[Request, ...], tuple[str, ...]]:
    """The cluster that a file names, the file, and what differs between them."""
    from bob.ops.plan import by_hand, differences
    from bob.ops.sense import sense

    wanted = load_cluster(file)
    context = load_context(wanted.name)
    view = sense({net: context.consul(net) for net in context.networks}, context.nomad())
    return context, wanted, differences(wanted, view), by_hand(wanted, view)


def draw_plan(requests: Sequence[Request], by_hand: Sequence[str]) -> None:
    """A line for each operation, in their order; then what is not done by any."""
    from bob.ops.plan import sentence

    for request in requests:
        sign = SIGNS.get(request.kind, "[yellow]~[/]")
        console.out.print(f"  {sign} {escape(sentence(request))}")
    for line in by_hand:
        console.out.print(f"  [yellow]![/] {escape(line)}")


def as_json(request: Request) -> dict[str, Any]:
    """One operation of a plan."""
    from bob.ops.plan import sentence

    return {
        "kind": request.kind,
        "target": request.target,
        "params": dict(request.params),
        "title": sentence(request),
    }
