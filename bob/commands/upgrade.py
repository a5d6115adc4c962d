"""`bob upgrade`: the versions of an inventory, and Bob as it is here, on every node."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import ClusterOption
from bob.commands._inventory import DEFAULT_FILE, FileOption, load_cluster
from bob.commands._wish import AcceptOption, DetachOption
from bob.console import Format, OutputOption, YesOption
from bob.errors import PreflightRefused

if TYPE_CHECKING:
    from bob.context import Context
    from inventory import Cluster


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("upgrade")(upgrade)


def upgrade(
    file: FileOption = DEFAULT_FILE,
    cluster: ClusterOption = None,
    accept: AcceptOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
    stage_only: Annotated[
        bool, typer.Option("--stage-only", help="Only bring the programs to the nodes.")
    ] = False,
) -> None:
    """Bring other versions to every node by SSH; the robot puts them to work one by one."""
    from bob.commands._cluster import load_context
    from bob.commands._wish import wish

    wanted = load_cluster(file)
    context = load_context(cluster or wanted.name)
    params = staged(context, wanted, accept or ())
    if stage_only:
        view = {"schema": "bob/upgrade/1", "cluster": context.cluster, **params}
        console.emit(view, output, lambda: console.out.print("The programs are on the nodes."))
        return
    wish(
        "upgrade", context.cluster, cluster=context.cluster, params=params, accept=accept, yes=yes,
        detach=detach, output=output, question=f"Upgrade {context.cluster}, node by node?",
    )  # fmt: skip


def staged(context: Context, wanted: Cluster, accepted: Collection[str]) -> dict[str, Any]:
    """Bring the programs to the hosts; the parameters of the operation that puts them to work.

    Versions are judged first: half a gigabyte would travel for nothing.
    """
    from bob.ops.cluster_records import ClusterRecords
    from bob.ops.init.context import make_fleet
    from bob.ops.kind import refuse_guarded
    from bob.ops.kinds.upgrade import refuse_older, skews
    from bob.ops.upgrade.stage import most_common, stage
    from bob.provision.install import Binary
    from bob.toolchain import packed
    from bob.toolchain.display import Display
    from bob.toolchain.wishes import wishes_of

    running = ClusterRecords(context.consul()).cluster().versions
    known = running.model_dump()
    versions = {
        name: version
        for name, version in wanted.versions.model_dump().items()
        if version != known[name]
    }
    refuse_older(versions, running)
    refuse_guarded(skews(versions, running), accepted)
    with Display(console.err) as display:
        tools = wishes_of(wanted).ensure(display)
    binaries = [Binary(tool.name, tool.sha256, packed(tool)) for tool in tools]
    fleet = make_fleet(wanted, context.folder)
    try:
        with console.err.status("looking at the hosts") as status:
            places, silent = stage(fleet, binaries, status.update)
    finally:
        fleet.close()
    _refuse_silent(context, silent)
    programs, others = most_common(places)
    return {"versions": versions, "programs": programs, "others": others}


def _refuse_silent(context: Context, silent: Mapping[str, Exception]) -> None:
    """A node that is away is left out; one that lives and cannot be reached would stop it midway.

    Raises `PreflightRefused`; nothing but copies has reached the others.
    """
    from bob.clients.consul import MemberStatus

    members = context.consul().agent.members()
    alive = {member.name for member in members if member.status is MemberStatus.ALIVE}
    for name, error in silent.items():
        if name in alive:
            raise PreflightRefused(
                f"{name} is in the cluster, but does not let us in: {error}",
                cure="Every node needs the programs; put the way to it right (ssh), then again.",
            )
        console.err.print(f"[yellow]warning:[/] {escape(name)}: {escape(str(error))}")
