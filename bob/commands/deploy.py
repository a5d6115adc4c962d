"""`bob deploy`: a service of the catalogue, with all it depends on, up to its first answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bob import console, logs
from bob.commands._cluster import ClusterOption
from bob.console import Format, OutputOption, YesOption

if TYPE_CHECKING:
    from bob.context import Context
    from bob.ops.deploy.intent import Intent
    from bob.ops.deploy.run import Outcome
    from inventory import Cluster

SCHEMA = "bob/deploy/1"


def register(app: typer.Typer) -> None:
    """Add `bob deploy`."""
    app.command()(deploy)


def deploy(
    service: Annotated[str, typer.Argument(help="A service of the catalogue, like demo.")],
    cluster: ClusterOption = None,
    yes: YesOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring a service up and wait until it is healthy; again, it changes only what differs."""
    from bob.catalogue import Catalogue
    from bob.context import Context
    from bob.ops.deploy.intent import intend
    from bob.ops.deploy.run import run
    from bob.ops.init.context import make_fleet

    began = time.monotonic()
    catalogue = Catalogue()
    catalogue.service(service)  # a wrong name is told before anything else
    context = Context.load(cluster)
    nomad, consul = context.nomad(), context.consul()
    fleet = make_fleet(_inventory(context), context.folder)
    try:
        with console.err.status("looking at the hosts"):
            intent = intend(catalogue, service, nomad, fleet)
        _show_plan(intent)
        if intent.lines():
            console.confirm(f"Deploy {service} to the cluster {context.cluster}?", yes=yes)
        with console.err.status("") as status:

            def say(text: str) -> None:
                logs.get().info("deploy", doing=text)
                status.update(text)

            outcome = run(intent, nomad, consul, fleet, say)
    finally:
        fleet.close()
    seconds = round(time.monotonic() - began, 1)
    view = _view(context, service, intent, outcome, seconds)
    console.emit(view, output, lambda: _draw(view))


def _inventory(context: Context) -> Cluster:
    """The inventory that the cluster was made of, for its SSH logins."""
    from bob.errors import UsageError
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
    context: Context, service: str, intent: Intent, outcome: Outcome, seconds: float
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "service": service,
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
