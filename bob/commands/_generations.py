"""What was configured before, and what of it runs: the rest of `bob config`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._catalogue import ServiceArgument, find_service
from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption, wish
from bob.console import Format, OutputOption, YesOption
from bob.errors import CHANGES_PENDING, UsageError

DIFF_SCHEMA = "bob/config-diff/1"
HISTORY_SCHEMA = "bob/config-history/1"


def diff(
    service: ServiceArgument, cluster: ClusterOption = None, output: OutputOption = Format.TEXT
) -> None:
    """Show how what runs differs from the newest configuration; exit code 4 when it does."""
    from bob.ops.configuration.generation import difference
    from bob.ops.configuration.store import generation, newest
    from bob.ops.services.wishes import read_wish

    context, _, found = find_service(cluster, service)
    consul = context.consul()
    wished = read_wish(consul, service)
    latest = newest(consul, service)
    running = generation(consul, service, wished.generation) if wished else latest
    lines = difference(found, running, latest)
    view = {
        "schema": DIFF_SCHEMA,
        "cluster": context.cluster,
        "service": service,
        "running": running.number,
        "newest": latest.number,
        "differences": list(lines),
    }

    def draw() -> None:
        for line in lines:
            console.out.print(f"  [yellow]~[/] {escape(line)}")
        if lines:
            console.out.print(f"Next: bob service restart {service}")
        else:
            console.out.print(f"{service} runs with its newest configuration.")

    console.emit(view, output, draw)
    if lines:
        raise typer.Exit(CHANGES_PENDING)


def history(
    service: ServiceArgument, cluster: ClusterOption = None, output: OutputOption = Format.TEXT
) -> None:
    """List the configurations that are kept, newest first, and what each changed."""
    from bob.ops.configuration import show, store

    context, _, found = find_service(cluster, service)
    rows = show.changes(found, store.history(context.consul(), service))
    view = {
        "schema": HISTORY_SCHEMA,
        "cluster": context.cluster,
        "service": service,
        "generations": rows,
    }

    def draw() -> None:
        for each in rows:
            console.out.print(f"[bold]{each['number']}[/]  {each['at']}  {escape(each['by'])}")
            for line in each["changes"]:
                console.out.print(f"    {escape(line)}")
        if not rows:
            console.out.print(f"Nobody has configured {service}: the catalogue's defaults hold.")

    console.emit(view, output, draw)


def rollback(
    service: ServiceArgument,
    to: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Which one; the one before, unless said.")
    ] = None,
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Write an earlier configuration once more. Secrets stay as they are."""
    from bob.ops.configuration.store import generation, newest_number

    context, _, _ = find_service(cluster, service)
    consul = context.consul()
    number = newest_number(consul, service) - 1 if to is None else to
    if number < 0:
        raise UsageError(f"{service} has no earlier configuration", cure="Nobody ever changed it.")
    generation(consul, service, number)
    wish(
        "configure", service, cluster=cluster, params={"to": number}, accept=accept, yes=yes,
        detach=detach, output=output, question=f"Configure {service} as in number {number}?",
    )  # fmt: skip
