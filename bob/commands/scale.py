"""`bob scale`: more or fewer instances of a service."""

from __future__ import annotations

from typing import Annotated

import typer

from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption, wish
from bob.console import Format, OutputOption, YesOption
from bob.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(scale)


def scale(
    service: Annotated[str, typer.Argument(help="A service that is deployed.")],
    count: Annotated[
        str,
        typer.Argument(metavar="N", help="How many, or `auto`: as the catalogue says."),
    ],
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Run N instances of a service, each on a node of its own, and wait until all are healthy."""
    wish(
        "scale", service, cluster=cluster, params={"count": parse_count(count)}, accept=accept,
        yes=yes, detach=detach, output=output, question=f"Run {count} instances of {service}?",
    )  # fmt: skip


def parse_count(text: str) -> int | str:
    """A number of instances, or "auto". Raises `UsageError`."""
    from bob.ops.kinds.scale import AUTO

    if text == AUTO:
        return AUTO
    if not text.isdecimal():
        raise UsageError(f"{text!r} is no number of instances", cure="Use 1, 2, 3, … or auto.")
    return int(text)
