"""`bob doctor`: what is wrong with the cluster and its nodes, and what to do about it."""

from __future__ import annotations

import typer

from bob import console
from bob.commands._cluster import ClusterOption
from bob.console import Format, OutputOption
from bob.errors import Degraded


def register(app: typer.Typer) -> None:
    """Add `bob doctor`."""
    app.command()(doctor)


def doctor(cluster: ClusterOption = None, output: OutputOption = Format.TEXT) -> None:
    """Show what needs attention on every node and in the whole cluster, with cures; then exit 9.

    It also works, as far as it can from here, while Consul does not.
    """
    from bob.commands._cluster import load_context
    from healthcheck.doctor.decide import decide
    from healthcheck.doctor.render import render
    from healthcheck.doctor.sense import sense

    context = load_context(cluster)
    found = decide(sense(context, context.secrets()))
    console.emit(found.as_json(), output, lambda: render(found, console.out))
    if not found.healthy:
        first, *others = found.bad
        more = f" (and {len(others)} more)" if others else ""
        what = f"{first.place}: {first.finding.subject}: {first.finding.what}"
        raise Degraded(
            f"cluster {found.cluster} is degraded: {what}{more}", cure=first.finding.cure
        )
