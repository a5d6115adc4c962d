"""`bob sandbox`: a whole cluster of emulated hosts on one Linux machine."""

from __future__ import annotations

import importlib.util
import subprocess
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bob import console
from bob.console import Format, OutputOption

if TYPE_CHECKING:
    from bob.sandbox.record import Sandbox

SCHEMA = "bob/sandbox/1"
_FAULTS = "bob.commands._sandbox_fault"

NameOption = Annotated[str, typer.Option("--name", help="Which sandbox; several can exist.")]
NodeArgument = Annotated[str, typer.Argument(metavar="NODE", help="A host: n1, n2, …")]


def register(app: typer.Typer) -> None:
    """Add `bob sandbox`."""
    group = typer.Typer(no_args_is_help=True, help="Emulated hosts on this machine (needs root).")
    for command in (up, status, reinstall, down):
        group.command()(command)
    group.command(context_settings={"ignore_unknown_options": True})(shell)
    if importlib.util.find_spec(_FAULTS):
        group.add_typer(importlib.import_module(_FAULTS).app, name="fault")
    app.add_typer(group, name="sandbox")


def up(
    nodes: Annotated[
        int | None,
        typer.Option("--nodes", min=1, max=89, help="Hosts in all (3 if new); more adds hosts."),
    ] = None,
    name: NameOption = "sandbox",
) -> None:
    """Bring up a sandbox, or complete it; ready means ssh and docker answer on every host."""
    from bob import sandbox

    made = sandbox.up(name, nodes, say)
    console.err.print(f"Sandbox [bold]{name}[/] is up: {made.layout.nodes} hosts.")
    console.out.print(f"{made.layout.inventory}")


def down(
    name: NameOption = "sandbox",
    every: Annotated[bool, typer.Option("--all", help="All sandboxes of this machine.")] = False,
) -> None:
    """Remove a sandbox with all its disks, and what is kept here of a cluster made of it."""
    from bob import context, sandbox
    from bob.sandbox import record

    hosts = {known.name: known.layout.mgmt_addresses for known in record.all_records()}
    for one in record.names() if every else [name]:
        if not sandbox.down(one, say):
            console.err.print(f"There is no sandbox {one}: nothing to do.")
        elif one in hosts and context.forget(one, hosts[one]):
            say(f"forgot the secrets and records of cluster {one}")


def reinstall(node: NodeArgument, name: NameOption = "sandbox") -> None:
    """Give a host an empty disk and boot it: what it held is lost."""
    from bob.sandbox import lifecycle
    from bob.sandbox.record import Sandbox

    sandbox = Sandbox.load(name)
    lifecycle.reinstall(sandbox, sandbox.node(node), say)


def shell(
    node: NodeArgument,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND…]", help="What to run there.")
    ] = None,
    name: NameOption = "sandbox",
) -> None:
    """Open a shell in a host as root, or run a command there and return its exit code."""
    from bob.sandbox.record import Sandbox

    ssh = Sandbox.load(name).ssh_command(node, command)
    raise typer.Exit(subprocess.run(ssh, check=False).returncode)


def status(name: NameOption = "sandbox", output: OutputOption = Format.TEXT) -> None:
    """Show the hosts, their power and addresses, and the faults in force."""
    from bob.sandbox.record import Sandbox

    view = describe(Sandbox.load(name))
    console.emit(view, output, lambda: _draw(view))


def describe(sandbox: Sandbox) -> dict[str, Any]:
    """The view of a sandbox, schema "bob/sandbox/1"."""
    from bob.sandbox.faults.actions import in_force

    return {
        "schema": SCHEMA,
        "name": sandbox.name,
        "inventory": str(sandbox.layout.inventory),
        "registry": sandbox.layout.registry_address,
        "shared_address": sandbox.layout.shared_address,
        "nodes": [
            {
                "name": node.name,
                "power": sandbox.power(node.name),
                "addresses": node.addresses,
                "bmc": node.bmc_address,
            }
            for node in sandbox.nodes
        ],
        "faults": [fault.model_dump(mode="json") for fault in in_force(sandbox)],
    }


def _draw(view: dict[str, Any]) -> None:
    from rich.table import Table

    colours = {"on": "green", "off": "dim", "hung": "red"}
    table = Table("host", "power", *view["nodes"][0]["addresses"], "bmc", box=None)
    for node in view["nodes"]:
        power = f"[{colours[node['power']]}]{node['power']}[/]"
        table.add_row(node["name"], power, *node["addresses"].values(), node["bmc"])
    console.out.print(table)
    console.out.print(f"inventory: {view['inventory']}")
    console.out.print(f"registry: {view['registry']}")
    console.out.print(f"free for keepalived: {view['shared_address']}")
    for fault in view["faults"]:
        console.out.print("fault: " + "  ".join(f"{key}={value}" for key, value in fault.items()))
    if not view["faults"]:
        console.out.print("no faults")


def say(line: str) -> None:
    """Print one line of progress."""
    console.err.print(f"[dim]{line}[/]")
