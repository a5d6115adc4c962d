"""`bob undeploy`: stop a service and forget that it was wanted."""

from __future__ import annotations

from typing import Annotated

import typer

from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption, wish
from bob.console import Format, OutputOption, YesOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(undeploy)


def undeploy(
    service: Annotated[str, typer.Argument(help="A service that is deployed.")],
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Stop every instance of a service; what it depends on stays, and so do its parameters."""
    wish(
        "undeploy", service, cluster=cluster, accept=accept, yes=yes, detach=detach, output=output,
        question=f"Stop {service} for good?",
    )  # fmt: skip
