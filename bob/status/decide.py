"""From what the servers say to the state of the cluster. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator

from bob.clients.consul import MemberStatus
from bob.context import Context
from bob.status.parts import Parts, parts_of
from bob.status.reasons import failures_of, reasons_for, robot_reasons
from bob.status.robot import sentence_of
from bob.status.services import services_of
from bob.status.snapshot import ConsulView, NomadView, Snapshot, Unknown
from bob.status.view import AgentState, ClusterStatus, NodeStatus, NomadState, RobotStatus
from inventory import NetworkName

AGENT_STATES = {
    MemberStatus.ALIVE: AgentState.ALIVE,
    MemberStatus.LEAVING: AgentState.LEFT,
    MemberStatus.LEFT: AgentState.LEFT,
    MemberStatus.FAILED: AgentState.FAILED,
    MemberStatus.NONE: AgentState.FAILED,
}


def decide(context: Context, snapshot: Snapshot) -> ClusterStatus:
    """The state of the cluster, with a reason for everything that needs attention."""
    parts = parts_of(snapshot)
    nodes = tuple(_nodes(context, parts))
    mgmt = parts.consul[NetworkName.MGMT].view
    services = services_of(parts.nomad.view, mgmt)
    return ClusterStatus(
        cluster=context.cluster,
        reasons=(*reasons_for(parts, nodes, services), *robot_reasons(snapshot.robot, mgmt, nodes)),
        failures=tuple(failures_of(snapshot.robot)),
        robot=_robot(snapshot, mgmt),
        consul_leaders={network: part.leader for network, part in parts.consul.items()},
        nomad_leader=parts.nomad.leader,
        nodes=nodes,
        services=services,
    )


def _robot(snapshot: Snapshot, mgmt: ConsulView | None) -> RobotStatus:
    seen = snapshot.robot
    if isinstance(seen, Unknown):
        return RobotStatus()
    return RobotStatus(
        leader=seen.leader or None,
        epoch=seen.epoch,
        sentence=sentence_of(seen.leader, mgmt.checks if mgmt else ()),
        pause=seen.pause if seen.pause and seen.pause.in_force(snapshot.now) else None,
    )


def _nodes(context: Context, parts: Parts) -> Iterator[NodeStatus]:
    """The nodes of the context, then those that joined later."""
    mgmt = parts.consul[NetworkName.MGMT].view
    members = {member.name: member for member in mgmt.members} if mgmt else {}
    known = {node.name: node for node in context.nodes}
    joined = (m.name for m in members.values() if m.status is MemberStatus.ALIVE)
    for name in dict.fromkeys([*known, *sorted(joined)]):
        votes = {part.votes(name) for part in parts.consul.values()}
        yield NodeStatus(
            name=name,
            zone=known[name].zone if name in known else "",
            networks={net: _agent_state(name, part.view) for net, part in parts.consul.items()},
            server=members[name].server if name in members else known[name].server,
            consul_voter=None if None in votes else votes == {True},
            nomad_voter=parts.nomad.votes(name),
            nomad=_nomad_state(name, parts.nomad.view),
        )


def _agent_state(name: str, view: ConsulView | None) -> AgentState:
    if view is None:
        return AgentState.UNKNOWN
    states = (AGENT_STATES[m.status] for m in view.members if m.name == name)
    return next(states, AgentState.ABSENT)


def _nomad_state(name: str, view: NomadView | None) -> NomadState:
    """A reinstalled node is known by two ids for a day: the one that is ready counts."""
    if view is None:
        return NomadState.UNKNOWN
    nodes = [node for node in view.nodes if node.name == name]
    if not nodes:
        return NomadState.ABSENT
    ready = [node for node in nodes if node.ready]
    if not ready:
        return NomadState.DOWN
    return NomadState.READY if any(n.eligible for n in ready) else NomadState.MAINTENANCE
