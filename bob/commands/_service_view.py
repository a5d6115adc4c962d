"""How services, their plans and their configuration are drawn for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from bob import console

if TYPE_CHECKING:
    from bob.ops.services.plans import ServicePlan


def draw_list(rows: list[dict[str, Any]]) -> None:
    """A line for each service."""
    for each in rows:
        found = each["instances"]
        state = f"{found['healthy']} of {found['wanted']}" if found else "-"
        console.out.print(f"{each['name']:20} {state:8} {escape(each['title'])}")


def draw_service(found: dict[str, Any], model: dict[str, Any] | None) -> None:
    """One service; `model` is what the catalogue says, None when it is no longer there."""
    console.out.print(f"[bold]{found['name']}[/]: {escape(found['title'])}")
    running = found["instances"]
    if running:
        nodes = ", ".join(found["nodes"]) or "no node"
        console.out.print(f"  runs       {running['healthy']} of {running['wanted']} on {nodes}")
        console.out.print(
            f"  config     {found['generation']} (newest: {found['newest_generation']})"
        )
    else:
        console.out.print("  runs       not deployed")
    console.out.print(f"  instances  {escape(str(found['count']))}")
    if found["image"]:
        console.out.print(f"  image      {escape(found['image'])}")
    if model:
        ports = ", ".join(f"{name} {port}" for name, port in model["ports"].items())
        console.out.print(f"  driver     {model['driver']}; ports: {ports or 'none'}")
        if model["depends"]:
            console.out.print(f"  needs      {', '.join(model['depends'])}")
        console.out.print(
            f"  update     {model['update']['order']}, config {model['config_update']}"
        )


def draw_plans(plans: tuple[ServicePlan, ...]) -> None:
    """A line for each change, and for each reason why there is no place."""
    for each in plans:
        if each.error:
            console.out.print(f"[red]{each.service}[/]: {escape(each.error)}")
        elif not (each.changes or each.unplaced):
            console.out.print(f"{each.service}: as it is deployed")
        for line in each.changes:
            console.out.print(f"  [yellow]~[/] {each.service}: {escape(line)}")
        for line in each.unplaced:
            console.out.print(f"  [red]![/] {each.service}: {escape(line)}")


def draw_parameters(view: dict[str, Any]) -> None:
    """The parameters and templates of a service, with the values that they may have."""
    console.out.print(
        f"[bold]{view['service']}[/], configuration {view['generation']} ({view['config_update']})"
    )
    for each in view["parameters"]:
        value = escape(str(each["value"]))
        mark = "" if each["set"] else " [dim](default)[/]" if not each["secret"] else ""
        about = "; ".join(part for part in (each["title"], each["allowed"]) if part)
        console.out.print(f"  {each['name']:24} {value}{mark}  [dim]{escape(about)}[/]")
    for name, replaced in view["templates"].items():
        words = "replaced by an operator" if replaced else "of the catalogue"
        console.out.print(f"  {name:24} [dim]template {words}[/]")
