"""`bob remove-node`: take a node out for good, alive or dead."""

from __future__ import annotations

from typing import Annotated

import typer

from bob import console
from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption
from bob.console import Format, OutputOption, YesOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("remove-node")(remove_node)


def remove_node(
    node: Annotated[str, typer.Argument(help="The node; it may be dead.")],
    deadline: Annotated[
        str,
        typer.Option(metavar="TIME", help="Instances left after it are stopped: 90s, 10m, 1h."),
    ] = "10m",
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Move everything off a node, make it a bare host, and forget it everywhere.

    A server is replaced by another node first. A host that is dead is forgotten as it is.
    """
    from bob.commands._wish import wish
    from bob.commands.maintain import parse_seconds
    from bob.context import Context
    from bob.ops.removal.local import forget_here

    known = Context.load(cluster)
    params = {"deadline": parse_seconds(deadline)}
    wish(
        "remove-node", node, cluster=known.cluster, params=params, accept=accept, yes=yes,
        detach=detach, output=output,
        question=f"Take {node} out of {known.cluster} for good, and delete what is on it?",
    )  # fmt: skip
    forget_here(known, node)
    console.err.print(f"Take {node} out of your inventory file as well.")
