"""`bob maintain`: take a node out of service for work on it, and back."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption, DetachOption, wish
from bob.console import Format, OutputOption, YesOption
from bob.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600}
LONGEST_HOURS = 24


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(maintain)


def maintain(
    node: Annotated[str, typer.Argument(help="The node.")],
    off: Annotated[bool, typer.Option("--off", help="Back to service.")] = False,
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
    """Move every instance off a node and place nothing new there, until --off."""
    seconds = parse_seconds(deadline)
    params = {"off": True} if off else {"deadline": seconds}
    question = (
        f"Put {node} back to service?" if off else f"Move everything off {node} for maintenance?"
    )
    wish(
        "maintain", node, cluster=cluster, params=params, accept=accept, yes=yes, detach=detach,
        output=output, question=question,
    )  # fmt: skip


def parse_seconds(text: str) -> int:
    """Seconds of a time like "90s" or "10m". Raises `UsageError`."""
    found = re.fullmatch(r"([1-9][0-9]*)([smh])", text)
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_HOURS * UNITS["h"]:
        raise UsageError(
            f"--deadline {text!r} is no time up to {LONGEST_HOURS}h",
            cure="Write it like 90s, 10m or 1h.",
        )
    return seconds
