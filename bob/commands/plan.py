"""`bob plan`: what `bob apply` would do, to make the cluster as the inventory file says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    from bob.ops.view import ClusterView
    from inventory import Cluster

SCHEMA = "bob/plan/1"
SIGNS = {"add-node": "[green]+[/]", "remove-node": "[red]-[/]"}


def register(app: typer.Typer) -> None:
    """Add `bob plan`."""
    app.command()(plan)


def plan(file: FileOption = DEFAULT_FILE, output: OutputOption = Format.TEXT) -> None:
    """Show what differs between the inventory file and the cluster; exit code 4 when anything."""
    context, requests, by_hand, follow = _compare_all(file)
    view = {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "operations": [as_json(request) for request in requests],
        "by_hand": list(by_hand),
        "follows": list(follow),
    }

    def draw() -> None:
        if not requests and not by_hand:
            console.out.print(f"Cluster {context.cluster} is as {escape(str(file))} says.")
        draw_plan(requests, by_hand)
        for line in follow:
            console.out.print(f"  [dim]=[/] {escape(line)}")
        if requests:
            console.out.print("Next: bob apply")

    console.emit(view, output, draw)
    if requests or by_hand:
        raise typer.Exit(CHANGES_PENDING)


def _compare_all(
    file: Path,
) -> tuple[Context, tuple[Request, ...], tuple[str, ...], tuple[str, ...]]:
    """Like `compare`, with the jobs of services, and what the robot does by itself afterwards."""
    from bob.catalogue import Catalogue
    from bob.ops.plan import by_hand, differences, following

    context, wanted, view = _look(file)
    requests = differences(wanted, view)
    other = (*by_hand(wanted, view), *_jobs(context, view))
    return context, requests, other, following(wanted, view, Catalogue()) if requests else ()


def _jobs(context: Context, view: ClusterView) -> Iterator[str]:
    """Deployed services whose job is not what a deployment would make of it."""
    from bob.catalogue import Catalogue
    from bob.ops.services.plans import plan_services

    known = Catalogue().extended(view.catalogue)
    names = [name for name in sorted(view.services) if name in known.names()]
    for found in plan_services(context.nomad(), context.consul(), known, names, view):
        for line in (found.error,) if found.error else found.changes:
            yield f"{found.service}: {line}: bob deploy {found.service}"


def compare(file: Path) -> tuple[Context, Cluster, tuple[Request, ...], tuple[str, ...]]:
    """The cluster that a file names, the file, and what differs between them."""
    from bob.ops.plan import by_hand, differences

    context, wanted, view = _look(file)
    return context, wanted, differences(wanted, view), by_hand(wanted, view)


def _look(file: Path) -> tuple[Context, Cluster, ClusterView]:
    from bob.ops.sense import sense

    wanted = load_cluster(file)
    context = load_context(wanted.name)
    view = sense({net: context.consul(net) for net in context.networks}, context.nomad())
    return context, wanted, view


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
