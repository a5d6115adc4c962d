"""`bob service`: the services of the catalogue, deployed or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from bob import console
from bob.commands._catalogue import ServiceArgument, catalogue_with
from bob.commands._cluster import ClusterOption, load_context
from bob.commands._service_view import draw_list, draw_plans, draw_service
from bob.commands._wish import AcceptOption, DetachOption, wish
from bob.commands.deploy import CatalogueOption, deploy
from bob.commands.scale import scale
from bob.commands.undeploy import undeploy
from bob.console import Format, OutputOption, YesOption
from bob.errors import CHANGES_PENDING, UsageError

if TYPE_CHECKING:
    from bob.catalogue import Catalogue
    from bob.context import Context
    from bob.ops.view import ClusterView

LIST_SCHEMA = "bob/services/1"
SHOW_SCHEMA = "bob/service/1"
PLAN_SCHEMA = "bob/service-plan/1"
LOG_BYTES = 4000

app = typer.Typer(no_args_is_help=True, help="See services, plan, deploy, change and undo them.")
app.command()(deploy)
app.command()(undeploy)
app.command()(scale)


def register(parent: typer.Typer) -> None:
    """Add `bob service …`."""
    parent.add_typer(app, name="service")


@app.command("ls")
def list_services(
    deployed: Annotated[bool, typer.Option("--deployed", help="Only those that run.")] = False,
    catalogue: CatalogueOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """List the services of the catalogue and how many instances of each run."""
    from bob.ops.services.overview import overview

    context, known, seen = _look(cluster, catalogue)
    rows = overview(known, seen, context.consul().catalog.checks())
    rows = [each for each in rows if each["deployed"] or not deployed]
    view = {"schema": LIST_SCHEMA, "cluster": context.cluster, "services": rows}
    console.emit(view, output, lambda: draw_list(rows))


@app.command()
def show(
    service: ServiceArgument,
    catalogue: CatalogueOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show what the catalogue says of a service, and where it runs."""
    from bob.ops.services.overview import row

    context, known, seen = _look(cluster, catalogue)
    if service not in known.names() and service not in seen.services:
        known.service(service)
    found = row(known, seen, context.consul().catalog.checks(), service)
    model = known.service(service).model_dump(mode="json") if service in known.names() else None
    view = {"schema": SHOW_SCHEMA, "cluster": context.cluster, **found, "catalogue": model}
    console.emit(view, output, lambda: draw_service(found, model))


@app.command()
def plan(
    services: Annotated[
        list[str] | None, typer.Argument(metavar="[SERVICE]...", help="All, unless named.")
    ] = None,
    catalogue: CatalogueOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show what a deployment would change, job by job; exit code 4 when anything."""
    from bob.ops.services.plans import plan_services

    context, known, seen = _look(cluster, catalogue)
    names = tuple(services or known.names())
    for name in names:
        known.service(name)
    plans = plan_services(context.nomad(), context.consul(), known, names, seen)
    view = {
        "schema": PLAN_SCHEMA,
        "cluster": context.cluster,
        "services": [
            {
                "name": each.service,
                "changes": list(each.changes),
                "unplaced": list(each.unplaced),
                "error": each.error or None,
            }
            for each in plans
        ],
    }
    console.emit(view, output, lambda: draw_plans(plans))
    if any(each.changes or each.unplaced or each.error for each in plans):
        raise typer.Exit(CHANGES_PENDING)


@app.command()
def restart(
    service: ServiceArgument,
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Replace every instance, one after another; a pinned service takes its configuration over."""
    wish(
        "restart", service, cluster=cluster, accept=accept, yes=yes, detach=detach, output=output,
        question=f"Replace every instance of {service}?",
    )  # fmt: skip


@app.command()
def rollback(
    service: ServiceArgument,
    accept: AcceptOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring the version before back: job, image, configuration and number of instances."""
    wish(
        "rollback", service, cluster=cluster, accept=accept, yes=yes, detach=detach, output=output,
        question=f"Bring the version before of {service} back?",
    )  # fmt: skip


@app.command()
def logs(
    service: ServiceArgument,
    node: Annotated[str | None, typer.Option(metavar="NODE", help="Only of this node.")] = None,
    task: Annotated[str | None, typer.Option(metavar="TASK", help="Only of this task.")] = None,
    stdout: Annotated[bool, typer.Option("--stdout", help="Standard output instead.")] = False,
    size: Annotated[int, typer.Option("--bytes", min=1, help="How much of each.")] = LOG_BYTES,
    cluster: ClusterOption = None,
) -> None:
    """Print the end of what the newest instance on each node wrote to standard error."""
    from bob.clients.http import Refused, Unreachable
    from bob.clients.nomad.rollouts import STDERR, STDOUT

    rollouts = load_context(cluster).nomad().rollouts
    places = [
        place
        for place in rollouts.tasks(service)
        if node in (None, place.node_name) and task in (None, place.task)
    ]
    if not places:
        raise UsageError(f"no instance of {service} fits", cure="See where it runs: bob service ls")
    for place in places:
        console.out.print(f"[bold]{escape(place.node_name)} {escape(place.task)}[/]")
        try:
            text = rollouts.log(place.allocation, place.task, STDOUT if stdout else STDERR, size)
        except (Refused, Unreachable) as error:
            console.err.print(f"[yellow]warning:[/] {escape(error.message)}")
        else:
            console.out.print(escape(text.rstrip("\n")))


def _look(cluster: str | None, folder: Path | None) -> tuple[Context, Catalogue, ClusterView]:
    """The services of a cluster; of its networks only the one that services use."""
    from bob.ops.sense import sense
    from inventory import NetworkName

    context = load_context(cluster)
    view = sense({NetworkName.MGMT: context.consul()}, context.nomad())
    return context, catalogue_with(view.catalogue, folder), view
