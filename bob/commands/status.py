"""`bob status`: nodes, servers, voters, leaders, agents per network, Nomad and services."""

from __future__ import annotations

import typer

from bob import console
from bob.commands._cluster import ClusterOption
from bob.console import Format, OutputOption
from bob.errors import Degraded


def register(app: typer.Typer) -> None:
    """Add `bob status`."""
    app.command()(status)


def status(cluster: ClusterOption = None, output: OutputOption = Format.TEXT) -> None:
    """Show the cluster on one screen; exit code 9 when something in it needs attention."""
    from concurrent.futures import ThreadPoolExecutor

    from bob.context import Context
    from bob.ops.known import refresh
    from bob.status.decide import decide
    from bob.status.render import render
    from bob.status.sense import sense

    known = Context.load(cluster)
    secrets = known.secrets()
    with ThreadPoolExecutor(1) as pool:  # a dead cluster must not cost its time limit twice
        refreshed = pool.submit(refresh, known)
        seen = sense(known, secrets)
        context = refreshed.result()
    if (context, context.secrets()) != (known, secrets):
        seen = sense(context, context.secrets())
    found = decide(context, seen)
    console.emit(found.as_json(), output, lambda: render(found, console.out))
    if not found.healthy:
        first, *others = found.complaints
        more = f" (and {len(others)} more)" if others else ""
        raise Degraded(f"cluster {found.cluster} is degraded: {first}{more}")
