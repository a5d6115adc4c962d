"""Why a cluster is not healthy, each reason as one line for the operator. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bob.status.parts import Parts
from bob.status.robot import FAILED, SERVICE, RobotView
from bob.status.snapshot import ConsulView, Unknown
from bob.status.view import AgentState, NodeStatus, NomadState, ServiceStatus
from inventory import NetworkName


def reasons_for(
    parts: Parts, nodes: Sequence[NodeStatus], services: Sequence[ServiceStatus]
) -> tuple[str, ...]:
    """All reasons, the widest first; none for a healthy cluster."""
    return (
        *_parts(parts),
        *(reason for node in nodes for reason in _node(node)),
        *(reason for node in nodes if node.server for reason in _not_voting(node, parts)),
        *_silent_servers(parts, nodes),
        *_unfit_servers(parts, nodes),
        *_services(services),
    )


def robot_reasons(
    robot: RobotView | Unknown, mgmt: ConsulView | None, nodes: Sequence[NodeStatus]
) -> Iterator[str]:
    """Nobody leads, or the agent of a living node is not in order.

    Where Consul of mgmt is out of order, its own reason says so.
    """
    if mgmt is None or mgmt.raft.leader is None:
        return
    if isinstance(robot, Unknown):
        yield f"what the robot does is not known ({robot.reason})"
    elif not robot.leader:
        yield "no agent leads: nothing is repaired, and no operation goes on"
    alive = {n.name for n in nodes if n.networks[NetworkName.MGMT] is AgentState.ALIVE}
    for check in mgmt.checks:
        if check.service_name == SERVICE and not check.passing and check.node in alive:
            yield f"{check.node}: bob-agent is {check.status}: {check.output.strip()}"


def failures_of(robot: RobotView | Unknown) -> Iterator[str]:
    """Operations that wait for a person."""
    for operation in () if isinstance(robot, Unknown) else robot.operations:
        if operation.state == FAILED:
            why = f": {operation.error}" if operation.error else ""
            name = f"{operation.kind} {operation.target}"
            yield f"operation {name} failed{why} (bob op show {operation.id})"


def _parts(parts: Parts) -> Iterator[str]:
    for part in parts.all:
        if part.view is None:
            reasons = (v.reason for v in part.views.values() if isinstance(v, Unknown))
            yield f"{part.name}: no server answers ({next(reasons, 'none is known')})"
        elif part.leader is None:
            yield f"{part.name} has no leader"


def _node(node: NodeStatus) -> Iterator[str]:
    for state in (AgentState.FAILED, AgentState.LEFT, AgentState.ABSENT):
        where = [network.value for network, found in node.networks.items() if found is state]
        if where:
            yield f"{node.name}: {state.value} on {', '.join(where)}"
    if node.nomad in (NomadState.DOWN, NomadState.ABSENT):
        yield f"{node.name}: Nomad client is {node.nomad.value}"


def _not_voting(node: NodeStatus, parts: Parts) -> Iterator[str]:
    missing = [part.name for part in parts.all if part.votes(node.name) is False]
    if missing:
        yield f"{node.name}: a server, but no voter of {', '.join(missing)}"


def _silent_servers(parts: Parts, nodes: Sequence[NodeStatus]) -> Iterator[str]:
    """Servers that live in gossip, but whose API does not answer."""
    alive = {n.name for n in nodes if n.networks[NetworkName.MGMT] is AgentState.ALIVE}
    for part in parts.all:
        for server, view in part.views.items():
            if part.view is not None and isinstance(view, Unknown) and server in alive:
                yield f"{server}: {part.name} does not answer ({view.reason})"


def _unfit_servers(parts: Parts, nodes: Sequence[NodeStatus]) -> Iterator[str]:
    """Servers that live, but that a leader finds unfit, like one whose log lags behind."""
    whole = {n.name for n in nodes if set(n.networks.values()) == {AgentState.ALIVE}}
    for part in parts.all:
        autopilot = part.view.autopilot if part.view else None
        for server in autopilot.servers if autopilot else ():
            if not server.healthy and server.name in whole:
                yield f"{server.name}: unhealthy to the autopilot of {part.name}"


def _services(services: Sequence[ServiceStatus]) -> Iterator[str]:
    for service in services:
        if service.healthy < service.desired:
            yield f"service {service.name}: {service.healthy} of {service.desired} healthy"
