"""`bob rotate`: new gossip keys, certificates or tokens."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption
from bob.console import Format, OutputOption, YesOption


class What(enum.StrEnum):
    """What can be rotated."""

    GOSSIP = "gossip"
    CERTIFICATES = "certificates"
    TOKENS = "tokens"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("rotate")(rotate)


def rotate(
    what: Annotated[What, typer.Argument(help="What is to be made anew.")],
    cluster: ClusterOption = None,
    accept: AcceptOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Replace keys, certificates or tokens while everything runs; agents restart one by one."""
    from bob.commands._cluster import load_context
    from bob.commands._wish import wish
    from bob.ops.known import refresh
    from bob.ops.rotation.people import take_old_away

    wish(
        "rotate", what.value, cluster=cluster, accept=accept, yes=yes, detach=detach, output=output,
        question=f"Make new {what.value} for the whole cluster?",
    )  # fmt: skip
    context = refresh(load_context(cluster))
    if what is What.TOKENS:
        take_old_away(context)
