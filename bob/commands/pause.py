"""`bob pause`: the robot rests, so that people can work on the cluster by hand."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import ClusterOption, load_context
from bob.console import Format, OutputOption

SCHEMA = "bob/pause/1"


def register(app: typer.Typer) -> None:
    """Add `bob pause`."""
    app.command()(pause)


def pause(
    why: Annotated[str, typer.Option(help="The reason, for whoever looks.")] = "",
    until: Annotated[
        str | None,
        typer.Option(help="When it ends by itself: 30m, 2h, 14:30, 2026-01-31T14:30."),
    ] = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Stop the robot: it begins no step and replaces nothing until `bob resume`."""
    import datetime
    import getpass
    import socket

    from bob.pause import PAUSE_KEY, Pause, parse_until

    now = datetime.datetime.now().astimezone()
    end = parse_until(until, now) if until else None
    context = load_context(cluster)
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    wished = Pause(who=who, why=why, until=end)
    context.requests().kv.put(PAUSE_KEY, wished.model_dump_json(indent=2))
    view = {
        "schema": SCHEMA, "cluster": context.cluster, "pause": wished.model_dump(mode="json"),
    }  # fmt: skip
    sentence = f"The robot of {context.cluster} is {wished.sentence}."
    console.emit(view, output, lambda: console.out.print(escape(f"{sentence} Next: bob resume.")))
