"""`bob ui`: where the web interfaces are, and how to log in."""

from __future__ import annotations

import enum
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bob import console
from bob.commands._cluster import ClusterOption
from bob.console import Format, OutputOption

if TYPE_CHECKING:
    from bob.context import Context

SCHEMA = "bob/ui/1"


class Product(enum.StrEnum):
    """What has a web interface."""

    CONSUL = "consul"
    NOMAD = "nomad"


TokenOption = Annotated[
    Product | None,
    typer.Option("--token", help="Print nothing but the token to log in with. It is a secret."),
]


def register(app: typer.Typer) -> None:
    """Add `bob ui`."""
    app.command()(ui)


def ui(
    token: TokenOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show the addresses of the web interfaces, the authorities to trust, and how to log in."""
    from bob.context import Context

    context = Context.load(cluster)
    if token is not None:
        sys.stdout.write(_token(context, token) + "\n")
        return
    view = _view(context)
    console.emit(view, output, lambda: _draw(view))


def _token(context: Context, product: Product) -> str:
    secrets = context.secrets()
    token = secrets.operator if product is Product.CONSUL else secrets.nomad_management
    return token.get_secret_value()


def _view(context: Context) -> dict[str, Any]:
    servers = context.servers
    option = f" --cluster {context.cluster}"
    return {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "consul": {
            "urls": [f"{context.consul_url(node)}/ui/" for node in servers],
            "ca_file": str(context.consul_ca_file),
            "token_command": f"bob ui --token consul{option}",
        },
        "nomad": {
            "urls": [f"{context.nomad_url(node)}/ui/" for node in servers],
            "ca_file": str(context.nomad_ca_file),
            "token_command": f"bob ui --token nomad{option}",
        },
    }


def _draw(view: dict[str, Any]) -> None:
    for product in Product:
        part = view[product.value]
        console.out.print(f"[bold]{product.value.capitalize()}[/]")
        for url in part["urls"]:
            console.out.print(f"  {url}", markup=False)
        console.out.print(f"  trust in the browser:  {part['ca_file']}", markup=False)
        console.out.print(f"  token to log in with:  {part['token_command']}", markup=False)
