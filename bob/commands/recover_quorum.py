"""`bob recover-quorum`: when a majority of the servers is gone for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bob import console
from bob.commands._cluster import ClusterOption
from bob.commands._wish import AcceptOption
from bob.console import Format, OutputOption, YesOption

if TYPE_CHECKING:
    from bob.ops.recover.survey import Survey

SCHEMA = "bob/recover-quorum/1"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("recover-quorum")(recover_quorum)


def recover_quorum(
    cluster: ClusterOption = None,
    accept: AcceptOption = None,
    yes: YesOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Make a new quorum of the servers that are left, with their data, by SSH.

    Only for servers that will never come back: as long as a majority can be brought back, the
    cluster heals by itself. Afterwards the robot makes servers of other nodes.
    """
    from bob.commands.init import StepProgress
    from bob.context import Context
    from bob.ops.recover.run import recover

    context = Context.load(cluster)

    def ask(survey: Survey) -> None:
        left, gone = ", ".join(survey.survivors), ", ".join(survey.lost)
        console.err.print(f"left: {left}; lost: {gone}")
        console.confirm(f"Make {left} the only servers, without {gone} for ever?", yes=yes)

    with StepProgress() as progress:
        operation = recover(context, progress, accept or (), ask)
    view: dict[str, object] = {"schema": SCHEMA, "cluster": context.cluster, "operation": None}
    text = "Every quorum has a leader; nothing to do."
    if operation:
        view["operation"] = operation.model_dump(mode="json")
        servers = ", ".join(operation.params["survivors"])
        text = f"{servers} lead again. The robot makes servers of other nodes: bob op ls"
    console.emit(view, output, lambda: console.out.print(text))
