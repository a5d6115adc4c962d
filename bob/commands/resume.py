"""`bob resume`: end the robot's pause."""

from __future__ import annotations

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import ClusterOption, load_context
from bob.commands.pause import SCHEMA
from bob.console import Format, OutputOption


def register(app: typer.Typer) -> None:
    """Add `bob resume`."""
    app.command()(resume)


def resume(cluster: ClusterOption = None, output: OutputOption = Format.TEXT) -> None:
    """Let the robot go on with everything."""
    from bob.pause import PAUSE_KEY, parse_pause

    context = load_context(cluster)
    consul = context.requests()
    entry = consul.kv.get(PAUSE_KEY)
    if entry:
        consul.kv.delete(PAUSE_KEY)
        sentence = f"The robot goes on; it was {parse_pause(entry.value).sentence}."
    else:
        sentence = "The robot was not paused; nothing to do."
    view = {"schema": SCHEMA, "cluster": context.cluster, "pause": None, "changed": bool(entry)}
    console.emit(view, output, lambda: console.out.print(escape(sentence)))
