"""`bob demote`: a server becomes a client; another node takes its place when one is needed."""

from __future__ import annotations

from typing import Annotated

import typer

from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption
from bob.console import Format, OutputOption, YesOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demote")(demote)


def demote(
    node: Annotated[str, typer.Argument(help="The server that is to be one no more.")],
    by: Annotated[
        str, typer.Option(metavar="NODE", help="Who takes its place; without it the best node.")
    ] = "",
    cluster: ClusterOption = None,
    accept: AcceptOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Make a server a client; another node becomes a server first if there were too few."""
    from bob.commands._wish import wish
    from bob.context import Context
    from bob.ops.sense import sense
    from bob.ops.servers.judge import substitute

    context = Context.load(cluster)
    view = sense({net: context.consul(net) for net in context.networks}, context.nomad())
    new = by or substitute(view, node)
    kind, params = ("replace-server", {"by": new}) if new else ("demote", {})
    instead = f" and {new} a server in its place" if new else ""
    wish(
        kind, node, cluster=cluster, params=params, accept=accept, yes=yes, detach=detach,
        output=output, question=f"Make {node} a client{instead}?",
    )  # fmt: skip
