"""`bob deploy`: a service of the catalogue, with all it depends on, up to its first answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bob import console, logs
from bob.commands._cluster import ClusterOption
from bob.console import Format, OutputOption, YesOption
from bob.errors import UsageError

if TYPE_CHECKING:
    from rich.status import Status

    from bob.context import Context
    from bob.ops.deploy.intent import Intent
    from bob.ops.deploy.run import Outcome
    from inventory import Cluster

SCHEMA = "bob/deploy/1"

CatalogueOption = Annotated[
    Path | None,
    typer.Option(
        "--catalogue", envvar="BOB_CATALOGUE", metavar="DIR", help="A folder of your services.",
    ),
]  # fmt: skip
RegistryOption = Annotated[
    str | None,
    typer.Option(
        envvar="BOB_REGISTRY", metavar="HOST:PORT", help="Where hosts pull images from.",
    ),
]  # fmt: skip
ImageOption = Annotated[
    list[str] | None,
    typer.Option(
        "--image", metavar="SERVICE=REFERENCE", help="The image of a service, like one of Kolla.",
    ),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add `bob deploy`."""
    app.command()(deploy)


def deploy(
    service: Annotated[str, typer.Argument(help="A service of the catalogue, like demo.")],
    catalogue: CatalogueOption = None,
    registry: RegistryOption = None,
    image: ImageOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring a service up and wait until it is healthy; again, it changes only what differs.

    Programs and images are given to the hosts by SSH; the rest is done by the robot.
    """
    from bob.commands._catalogue import brought_along, catalogue_of, pulled
    from bob.context import Context
    from bob.ops.deploy.intent import intend
    from bob.ops.deploy.references import parse_images
    from bob.ops.deploy.run import await_answer, prepare_hosts
    from bob.ops.init.context import make_fleet

    began = time.monotonic()
    given = parse_images(image or ())
    try:
        context = Context.load(cluster)
    except UsageError:
        catalogue_of(None, catalogue).service(service)  # a wrong name is told before all else
        raise
    nomad, consul = context.nomad(), context.consul()
    known = catalogue_of(consul, catalogue)
    services = known.in_order(service)
    images = pulled(consul, services, registry, given)
    fleet = make_fleet(_inventory(context), context.folder)
    try:
        with console.err.status("looking at the hosts"):
            intent = intend(known, service, nomad, consul, fleet, images)
        _show_plan(intent)
        if intent.lines():
            console.confirm(f"Deploy {service} to the cluster {context.cluster}?", yes=yes)
        with console.err.status("") as status:
            prepare_hosts(intent, nomad, fleet, _speaker(status))
    finally:
        fleet.close()
    operation = _have_it_run(context, service, intent, brought_along(services, catalogue))
    with console.err.status("") as status:
        outcome = await_answer(intent, nomad, consul, _speaker(status))
    seconds = round(time.monotonic() - began, 1)
    view = _view(context, service, intent, outcome, operation, seconds)
    console.emit(view, output, lambda: _draw(view))


def _have_it_run(
    context: Context, service: str, intent: Intent, brought: Mapping[str, object]
) -> str | None:
    """Have the robot do it; the id of the operation, or None when all is as it should be.

    Raises what the operation ended with, or `Unfinished` when the operator leaves.
    """
    from bob.commands._watch import watch
    from bob.ops.consul_store import ConsulStore
    from bob.ops.kind import Request, kind_of
    from bob.ops.sense import sense
    from bob.ops.submit import submit
    from bob.ops.watch_text import failure

    params: dict[str, Any] = {"images": dict(intent.images)}
    if brought:
        params["catalogue"] = dict(brought)
    request = Request("deploy", service, params)
    view = sense({net: context.consul(net) for net in context.networks}, context.nomad())
    if kind_of(request.kind).done(request, view):
        return None
    consul = context.requests()
    submitted = submit(ConsulStore(consul), request, view)
    if error := failure(watch(consul, submitted.operation.id)):
        raise error
    return submitted.operation.id


def _speaker(status: Status) -> Callable[[str], None]:
    def say(text: str) -> None:
        logs.get().info("deploy", doing=text)
        status.update(text)

    return say


def _inventory(context: Context) -> Cluster:
    """The inventory that the cluster was made of, for its SSH logins."""
    from bob.ops.init.context import INVENTORY_FILE
    from inventory import Cluster

    path = context.folder / INVENTORY_FILE
    try:
        return Cluster.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be used: {error}", cure="Write it again with: bob init -f cluster.yaml"
        ) from error


def _show_plan(intent: Intent) -> None:
    from rich.markup import escape

    for error in intent.silent.values():
        console.err.print(f"[yellow]warning:[/] {escape(str(error))}; it is left out for now")
    for line in intent.lines():
        console.err.print(f"  [green]+[/] {escape(line)}")


def _view(
    context: Context,
    service: str,
    intent: Intent,
    outcome: Outcome,
    operation: str | None,
    seconds: float,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "service": service,
        "operation": operation,
        "changes": list(intent.lines()),
        "skipped_hosts": sorted(intent.silent),
        "services": [
            {
                "name": name,
                "instances": [
                    {"node": instance.node, "address": f"{instance.address}:{instance.port}"}
                    for instance in instances
                ],
            }
            for name, instances in outcome.instances.items()
        ],
        "url": outcome.reply.url if outcome.reply else None,
        "answer": outcome.reply.text if outcome.reply else None,
        "seconds": seconds,
    }


def _draw(view: dict[str, Any]) -> None:
    from rich.markup import escape

    for service in view["services"]:
        places = ", ".join(f"{i['node']} ({i['address']})" for i in service["instances"])
        console.out.print(f"{service['name']:10} [green]healthy[/] on {places}")
    if view["url"]:
        console.out.print(f"{view['url']}\n  {escape(view['answer'])}")
    done = "is deployed" if view["changes"] else "was deployed already; nothing to do"
    console.out.print(f"[bold]{view['service']}[/] {done} ({view['seconds']:g} s).")
