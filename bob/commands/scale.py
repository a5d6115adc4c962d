"""`bob scale`: more or fewer instances of a service."""

from __future__ import annotations

from typing import Annotated

import typer

from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption, wish
from bob.console import Format, OutputOption, YesOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(scale)


def scale(
    service: Annotated[str, typer.Argument(help="A service that is deployed.")],
    count: Annotated[int, typer.Argument(metavar="N", help="How many instances there shall be.")],
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Run N instances of a service, each on a node of its own, and wait until all are healthy."""
    wish(
        "scale", service, cluster=cluster, params={"count": count}, accept=accept, yes=yes,
        detach=detach, output=output, question=f"Run {count} instances of {service}?",
    )  # fmt: skip
