"""`bob shellenv`: the environment in which the stock consul, nomad and openstack programs work."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import ClusterOption
from bob.errors import BobError

if TYPE_CHECKING:
    from bob.clients.http import Http
    from bob.context import Context

CONSUL_TOKEN_FILE = "consul-operator.token"  # noqa: S105  the name of a file


def register(app: typer.Typer) -> None:
    """Add `bob shellenv`."""
    app.command()(shellenv)


def shellenv(
    cluster: ClusterOption = None,
    openstack: Annotated[
        bool, typer.Option("--openstack", help="Of the OpenStack programs too, as the user admin.")
    ] = False,
) -> None:
    """Print export lines for the shell. Use: eval "$(bob shellenv)"."""
    from bob.context import Context

    context = Context.load(cluster)
    exports = values(context)
    if openstack:
        from bob.commands._catalogue import catalogue_of
        from bob.ops.openstack import environment

        consul = context.consul()
        exports |= environment(catalogue_of(consul), consul, context.nomad().variables)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in exports.items()]
    if missing := _missing_folders():
        lines.append(f'export PATH={shlex.quote(os.pathsep.join(missing))}:"$PATH"')
    sys.stdout.write("\n".join(lines) + "\n")


def values(context: Context) -> dict[str, str]:
    """What to export. Consul's token stays in a private file; nomad reads no such file."""
    from bob.provision.private_files import write_private

    secrets = context.secrets()
    token_file = context.folder / CONSUL_TOKEN_FILE
    write_private(token_file, secrets.operator.get_secret_value().encode())
    consul, nomad = context.consul(), context.nomad()
    return {
        "CONSUL_HTTP_ADDR": _live(consul.http, consul.leader),
        "CONSUL_HTTP_TOKEN_FILE": str(token_file),
        "CONSUL_CACERT": str(context.consul_ca_file),
        "NOMAD_ADDR": _live(nomad.http, nomad.leader),
        "NOMAD_CACERT": str(context.nomad_ca_file),
        "NOMAD_TOKEN": secrets.nomad_management.get_secret_value(),
    }


def _live(http: Http, ask: Callable[[], str]) -> str:
    """The first server that answers; when none does, the first of all: the programs then say so."""
    try:
        ask()
    except BobError as error:
        console.err.print(f"[yellow]warning:[/] {escape(error.message)}")
    return http.address


def _missing_folders() -> list[str]:
    """Folders of Bob's own programs that are not on PATH yet."""
    from bob import toolchain

    known = os.environ.get("PATH", "").split(os.pathsep)
    folders = (str(tool.path.parent) for tool in toolchain.status().values() if tool is not None)
    return [folder for folder in dict.fromkeys(folders) if folder not in known]
