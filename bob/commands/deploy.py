"""`bob deploy`: services of the catalogue, with all they depend on, up to their first answers."""

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

SCHEMA = "bob/deploy/2"
SHOWN = 200  # characters of an answer

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
    services: Annotated[
        list[str], typer.Argument(metavar="SERVICE...", help="Of the catalogue, like demo.")
    ],
    catalogue: CatalogueOption = None,
    registry: RegistryOption = None,
    image: ImageOption = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring services up and wait until they are healthy; again, it changes only what differs.

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
        for name in services:  # a wrong name is told before all else
            catalogue_of(None, catalogue).service(name)
        raise
    nomad, consul = context.nomad(), context.consul()
    known = catalogue_of(consul, catalogue)
    wishes = tuple(dict.fromkeys(services))
    needed, target = known.in_order(*wishes), " ".join(wishes)
    inventory = _inventory(context)
    images = pulled(consul, needed, registry or inventory.registry, given)
    fleet = make_fleet(inventory, context.folder)
    try:
        with console.err.status("looking at the hosts"):
            intent = intend(known, wishes, nomad, consul, fleet, images)
        _show_plan(intent)
        if intent.lines():
            console.confirm(f"Deploy {target} to the cluster {context.cluster}?", yes=yes)
        with console.err.status("") as status:
            prepare_hosts(intent, nomad, fleet, _speaker(status))
    finally:
        fleet.close()
    operation = _have_it_run(context, target, intent, brought_along(needed, catalogue))
    with console.err.status("") as status:
        outcome = await_answer(intent, wishes, nomad, consul, _speaker(status))
    seconds = round(time.monotonic() - began, 1)
    view = _view(context, wishes, intent, outcome, operation, seconds)
    console.emit(view, output, lambda: _draw(view))


def _have_it_run(
    context: Context, target: str, intent: Intent, brought: Mapping[str, object]
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
    request = Request("deploy", target, params)
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
    from bob.context import INVENTORY_FILE
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
    wishes: tuple[str, ...],
    intent: Intent,
    outcome: Outcome,
    operation: str | None,
    seconds: float,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "wished": list(wishes),
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
        "answers": {
            name: {"url": reply.url, "text": reply.text} for name, reply in outcome.replies.items()
        },
        "seconds": seconds,
    }


def _draw(view: dict[str, Any]) -> None:
    from rich.markup import escape

    for service in view["services"]:
        places = ", ".join(f"{i['node']} ({i['address']})" for i in service["instances"])
        console.out.print(f"{service['name']:10} [green]healthy[/] on {places}")
    for answer in view["answers"].values():
        text = " ".join(answer["text"].split())
        console.out.print(f"{answer['url']}\n  {escape(text[:SHOWN])}")
    one = len(view["wished"]) == 1
    done = f"{'is' if one else 'are'} deployed"
    if not view["changes"]:
        done = f"{'was' if one else 'were'} deployed already; nothing to do"
    console.out.print(f"[bold]{', '.join(view['wished'])}[/] {done} ({view['seconds']:g} s).")
