"""`bob reset`: take a whole cluster down."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import ClusterOption
from bob.commands._inventory import load_cluster
from bob.commands._wish import AcceptOption
from bob.console import Format, OutputOption
from bob.errors import UsageError

if TYPE_CHECKING:
    from bob.ops.reset.hosts import HostResult
    from inventory import Cluster

SCHEMA = "bob/reset/1"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(reset)


def reset(
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="CLUSTER", help="Its name, instead of typing it when asked."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="Its hosts, too: nodes that were removed while dead, or are not known here.",
        ),
    ] = None,
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Does not replace the name.")] = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Destroy a cluster: all hosts become bare again, with all data of Consul, Nomad and jobs.

    It works by SSH, whatever state the cluster is in. Its secrets are put aside on this machine.
    """
    from bob.context import current_cluster
    from bob.ops.reset.run import reset as run

    known = _known(cluster or current_cluster(), file)
    _confirm(known, name)
    began = time.monotonic()
    with console.err.status(f"making {len(known.nodes)} hosts bare"):
        made = run(known, accept or (), _told)
    view = {
        "schema": SCHEMA,
        "cluster": known.name,
        "hosts": {
            host: {"outcome": result.outcome.value, "reason": result.reason}
            for host, result in made.hosts.items()
        },
        "kept": str(made.kept),
        "seconds": round(time.monotonic() - began, 1),
    }
    console.emit(
        view,
        output,
        lambda: console.out.print(
            f"Cluster [bold]{known.name}[/] is no more ({view['seconds']:g} s). "
            f"Its secrets and records: {made.kept}"
        ),
    )


def _known(name: str, file: Path | None) -> Cluster:
    from bob.ops.reset.run import inventory_of

    kept = inventory_of(name)
    given = load_cluster(file) if file else None
    if given and given.name != name:
        raise UsageError(
            f"{file} describes the cluster {given.name}, not {name}", cure="Name the right file."
        )
    if kept is None or given is None:
        if found := kept or given:
            return found
        raise UsageError(
            f"it is not known here which hosts {name} has", cure="Add: -f cluster.yaml"
        )
    names = {node.name for node in kept.nodes}
    others = tuple(node for node in given.nodes if node.name not in names)
    return kept.model_copy(update={"nodes": (*kept.nodes, *others)})


def _confirm(cluster: Cluster, name: str | None) -> None:
    """Only the name counts. Raises `UsageError`; nothing was changed then."""
    hosts = ", ".join(node.name for node in cluster.nodes)
    console.err.print(
        f"[bold red]Everything[/] of the cluster {cluster.name} on {hosts} will be deleted: "
        "services, their data, Consul, Nomad."
    )
    if name is None:
        if not sys.stdin.isatty():
            raise UsageError(
                "bob reset wants the name of the cluster, and there is no terminal to ask on",
                cure=f"Add: --name {cluster.name}",
            )
        name = typer.prompt("Type the name of the cluster", err=True)
    if name != cluster.name:
        raise UsageError(
            f"the cluster is {cluster.name}, not {name}; nothing was changed",
            cure="Choose another one with --cluster.",
        )


def _told(host: str, result: HostResult) -> None:
    reason = f": {escape(result.reason)}" if result.reason else ""
    console.err.print(f"  {host}: {result.outcome.value}{reason}")
