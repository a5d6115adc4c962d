"""The state of a cluster on one screen."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bob.status.view import AgentState, ClusterStatus, NodeStatus, NomadState
from inventory import NetworkName

GOOD = frozenset({AgentState.ALIVE, NomadState.READY})
NEUTRAL = frozenset({AgentState.UNKNOWN, NomadState.UNKNOWN, NomadState.MAINTENANCE})


def render(status: ClusterStatus, console: Console) -> None:
    """Print verdict, leaders, nodes, services and reasons."""
    verdict = "[bold green]healthy[/]" if status.healthy else "[bold red]degraded[/]"
    console.print(f"[bold]Cluster {escape(status.cluster)}[/]: {verdict}")
    leaders = {f"consul {net.value}": name for net, name in status.consul_leaders.items()}
    leaders["nomad"] = status.nomad_leader
    console.print(
        "Leaders: "
        + ", ".join(f"{part} {name or '[red]none[/]'}" for part, name in leaders.items())
    )
    console.print(_robot(status))
    console.print(_node_table(status))
    if status.services:
        console.print(_service_table(status))
    for reason in status.complaints:
        console.print(f"[red]•[/] {escape(reason)}")


def _robot(status: ClusterStatus) -> str:
    robot = status.robot
    if robot.epoch is None:
        return "Robot: [yellow]unknown[/]"
    lines = f"Robot: {escape(robot.leader or '') or '[red]nobody leads[/]'}"
    if robot.leader:
        lines += f" (epoch {robot.epoch})"
        lines += f": {escape(robot.sentence)}" if robot.sentence else ""
    if robot.pause:
        lines += f"\n[yellow]{escape(robot.pause.sentence)}[/]; to end that: bob resume"
    return lines


def _node_table(status: ClusterStatus) -> Table:
    networks = list(status.consul_leaders)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in (
        "NODE",
        "ZONE",
        "ROLE",
        *(net.value.upper() for net in networks),
        "VOTER",
        "NOMAD",
    ):
        table.add_column(title)
    for node in status.nodes:
        table.add_row(*_cells(node, networks))
    return table


def _cells(node: NodeStatus, networks: list[NetworkName]) -> list[str]:
    return [
        node.name,
        node.zone or "-",
        "server" if node.server else "client",
        *(_coloured(node.networks[network]) for network in networks),
        _votes(node),
        _coloured(node.nomad),
    ]


def _votes(node: NodeStatus) -> str:
    """Where the node votes; a server should vote in both."""
    if node.consul_voter is None or node.nomad_voter is None:
        return "[yellow]unknown[/]"
    votes = [
        name for name, has in (("consul", node.consul_voter), ("nomad", node.nomad_voter)) if has
    ]
    text = "+".join(votes) or "-"
    return f"[red]{text}[/]" if node.server and len(votes) < 2 else text


def _service_table(status: ClusterStatus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("SERVICE", "HEALTHY", "DESIRED"):
        table.add_column(title)
    for service in status.services:
        colour = "green" if service.healthy >= service.desired else "red"
        table.add_row(escape(service.name), f"[{colour}]{service.healthy}[/]", str(service.desired))
    return table


def _coloured(state: AgentState | NomadState) -> str:
    colour = "green" if state in GOOD else "yellow" if state in NEUTRAL else "red"
    return f"[{colour}]{state.value}[/]"
