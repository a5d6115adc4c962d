"""`bob config`: the parameters, templates and secrets of a service."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._catalogue import catalogue_of
from bob.commands._cluster import ClusterOption, load_context
from bob.commands._service_view import draw_parameters
from bob.commands._wish import AcceptOption, DetachOption, wish
from bob.console import Format, OutputOption, YesOption
from bob.errors import CHANGES_PENDING, UsageError

if TYPE_CHECKING:
    from bob.catalogue import Catalogue, Service
    from bob.context import Context

GET_SCHEMA = "bob/config/1"
DIFF_SCHEMA = "bob/config-diff/1"
HISTORY_SCHEMA = "bob/config-history/1"

ServiceArgument = Annotated[str, typer.Argument(metavar="SERVICE", help="Its name.")]

app = typer.Typer(no_args_is_help=True, help="See and change how services are configured.")


def register(parent: typer.Typer) -> None:
    """Add `bob config …`."""
    parent.add_typer(app, name="config")


@app.command()
def get(
    service: ServiceArgument,
    reveal: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print this secret, and nothing else.")
    ] = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show every parameter with its value, and what values it may have; never a secret."""
    from bob.clients.http import Refused
    from bob.ops.configuration import secrets, show
    from bob.ops.configuration.store import newest

    context, _, found = _find(cluster, service)
    variables = context.nomad().variables
    if reveal is not None:
        sys.stdout.write(secrets.reveal(variables, found, reveal) + "\n")
        return
    try:
        known = secrets.known_secrets(variables, found) if found.secrets else frozenset()
    except Refused:  # the rest may be looked at all the same
        known = None
    configuration = newest(context.consul(), service)
    rows = show.parameters(found, configuration, known)
    view = {
        "schema": GET_SCHEMA,
        "cluster": context.cluster,
        "service": service,
        "generation": configuration.number,
        "config_update": found.config_update,
        "parameters": rows,
        "templates": {name: name in configuration.texts for name in found.templates},
    }
    console.emit(view, output, lambda: draw_parameters(view))


@app.command("set")
def set_values(
    service: ServiceArgument,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="New values.")
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="The default again.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Ask for a secret; without a terminal read a line."),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE=PATH", help="Use this text; `FILE=` takes the catalogue's."),
    ] = None,
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Change the configuration; instances are replaced one after another, unless it is pinned."""
    from bob.ops.configuration.generation import Change, changed
    from bob.ops.configuration.request import params_of, parse_templates, parse_values
    from bob.ops.configuration.secrets import set_secret
    from bob.ops.configuration.store import newest

    context, catalogue, found = _find(cluster, service)
    change = Change(
        {**parse_values(values or ()), **dict.fromkeys(unset or ())},
        parse_templates(template or ()),
        tuple(secret or ()),
    )
    changed(catalogue, found, newest(context.consul(), service), change)
    variables = context.nomad().variables
    for name in change.secrets:
        set_secret(variables, found, name, _ask(name))
    wish(
        "configure", service, cluster=cluster, params=params_of(change), accept=accept, yes=yes,
        detach=detach, output=output, question=f"Configure {service} so?",
    )  # fmt: skip


@app.command()
def diff(
    service: ServiceArgument, cluster: ClusterOption = None, output: OutputOption = Format.TEXT
) -> None:
    """Show how what runs differs from the newest configuration; exit code 4 when it does."""
    from bob.ops.configuration.generation import difference
    from bob.ops.configuration.store import generation, newest
    from bob.ops.services.wishes import read_wish

    context, _, found = _find(cluster, service)
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


@app.command()
def history(
    service: ServiceArgument, cluster: ClusterOption = None, output: OutputOption = Format.TEXT
) -> None:
    """List the configurations that are kept, newest first, and what each changed."""
    from bob.ops.configuration import show, store

    context, _, found = _find(cluster, service)
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


@app.command()
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

    context, _, _ = _find(cluster, service)
    consul = context.consul()
    number = newest_number(consul, service) - 1 if to is None else to
    if number < 0:
        raise UsageError(f"{service} has no earlier configuration", cure="Nobody ever changed it.")
    generation(consul, service, number)
    wish(
        "configure", service, cluster=cluster, params={"to": number}, accept=accept, yes=yes,
        detach=detach, output=output, question=f"Configure {service} as in number {number}?",
    )  # fmt: skip


def _find(cluster: str | None, service: str) -> tuple[Context, Catalogue, Service]:
    context = load_context(cluster)
    catalogue = catalogue_of(context.consul())
    return context, catalogue, catalogue.service(service)


def _ask(name: str) -> str:
    """A secret is typed, or the next line of standard input; never an argument."""
    if sys.stdin.isatty():
        text: str = typer.prompt(name, hide_input=True, confirmation_prompt=True, err=True)
        return text
    return sys.stdin.readline().rstrip("\n")
