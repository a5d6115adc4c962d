"""`bob config`: the parameters, templates and secrets of a service."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bob import console
from bob.commands._catalogue import ServiceArgument, find_service
from bob.commands._cluster import ClusterOption
from bob.commands._generations import diff, history, rollback
from bob.commands._service_view import draw_parameters
from bob.commands._wish import AcceptOption, DetachOption, wish
from bob.console import Format, OutputOption, YesOption

GET_SCHEMA = "bob/config/1"

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

    context, _, found = find_service(cluster, service)
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

    context, catalogue, found = find_service(cluster, service)
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


app.command()(diff)
app.command()(history)
app.command()(rollback)


def _ask(name: str) -> str:
    """A secret is typed, or the next line of standard input; never an argument."""
    if sys.stdin.isatty():
        text: str = typer.prompt(name, hide_input=True, confirmation_prompt=True, err=True)
        return text
    return sys.stdin.readline().rstrip("\n")
