"""`bob promote`: a client becomes a server."""

from __future__ import annotations

from typing import Annotated

import typer

from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption
from bob.console import Format, OutputOption, YesOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("promote")(promote)


def promote(
    node: Annotated[str, typer.Argument(help="The node that is to be a server.")],
    cluster: ClusterOption = None,
    accept: AcceptOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Make a node a server of Consul and Nomad; what runs on it goes on."""
    from bob.commands._wish import wish

    wish(
        "promote", node, cluster=cluster, accept=accept, yes=yes, detach=detach, output=output,
        question=f"Make {node} a server?",
    )  # fmt: skip
