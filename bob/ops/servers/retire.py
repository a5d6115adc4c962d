"""A server becomes a client, or, when its host is gone, is no longer counted as a server."""

from __future__ import annotations

from bob import logs
from bob.clients.http import Unreachable
from bob.clients.quorum import Operator, RaftConfiguration, RaftPeer
from bob.errors import Temporary
from bob.ops.context import OperationContext
from bob.ops.servers import judge
from bob.ops.servers.configure import configure, servers_of
from bob.ops.servers.step import LOOK_SECONDS, ServerStep
from bob.ops.view import ClusterView
from bob.provision.certificates import NOMAD_REGION
from bob.waiting import Deadline, wait_for

GONE = ("left", "leaving")  # how Nomad's gossip calls servers that went on purpose


class Retire(ServerStep):
    """Out of every raft while it still runs, so that no majority counts a server that is gone."""

    name = "retire"
    title = "Take the node out of every quorum and make it a client"
    final = True

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        return lack(context, view, self.node)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        retire(context, self.node, deadline, self.name)
        self.wait(context, deadline, f"Look at journalctl -u 'consul-*' -u nomad on {self.node}.")


def lack(context: OperationContext, view: ClusterView, node: str) -> str:
    """What still makes a server of the node; "" when nothing does."""
    if judge.acts(view, node):
        return f"{node} is still a server"
    if _in_gossip(context, node):
        return f"Nomad's gossip still knows {node} as a server"
    if view.alive(node) and not (node in view.nodes and view.nodes[node].ready):
        return f"Nomad does not find {node} ready"
    return ""


def retire(context: OperationContext, node: str, deadline: Deadline, step: str) -> None:
    """Do what `lack` asks for. `step` names the task of the node's agent.

    Consul's servers leave by themselves, with their pool: one that was taken out of its raft before
    would know no leader for up to a minute, nor would whoever asks it (`ReconcileInterval` in
    agent/consul/config.go), and the node's agent could not read its task. Nomad's are taken out.
    """
    view = context.view()
    for name, operator in context.operators.items():
        hand_over(operator, node, deadline)
        removable(operator, node, name)
    if view.alive(node) and judge.acts(view, node):
        leave(context.nomad.operator, node, "Nomad")
        servers = servers_of(view, without=node)
        configure(context, node, servers, step, deadline, forget_raft=True)
    for name, operator in context.operators.items():  # of a dead node, or one that was added again
        leave(operator, node, name)
    wait_for(
        lambda: _forgotten(context, node),
        what=f"Nomad's gossip forgets the server {node}",
        deadline=deadline,
        interval=LOOK_SECONDS,
    )


def hand_over(operator: Operator, node: str, deadline: Deadline) -> None:
    """Have another healthy voter lead when `node` does, if that can be asked for.

    Else the node leaves the raft as its leader, which costs an election.
    """
    if (raft := operator.raft()).leader != _peer(raft, node) or raft.leader is None:
        return
    healthy = {s.id for s in operator.autopilot().servers if s.healthy and s.voter}
    heirs = [peer for peer in raft.peers if peer.id in healthy and peer.name != node]
    if not heirs:
        raise Temporary(f"no healthy server can lead in the place of {node}")
    try:
        operator.transfer_leadership(heirs[0].id)
    except Unreachable as error:
        logs.get().warning("leadership not handed over", node=node, error=str(error))
        return

    def moved() -> bool:
        try:
            leader = operator.raft().leader
        except Temporary:
            return False
        return leader is not None and leader.name != node

    wait_for(moved, what=f"another leader than {node}", deadline=deadline, interval=LOOK_SECONDS)


def leave(operator: Operator, node: str, name: str) -> None:
    """Remove the raft peer of `node`, unless the others were no majority without it."""
    if peer := removable(operator, node, name):
        operator.remove_peer(peer.id)


def removable(operator: Operator, node: str, name: str) -> RaftPeer | None:
    """The raft peer of `node`, if any. Raises `Temporary` if the others were no majority."""
    raft = operator.raft()
    if (peer := _peer(raft, node)) is None:
        return None
    healthy = {s.name for s in operator.autopilot().servers if s.healthy}
    others = raft.voters - {node}
    if peer.voter and len(others & healthy) < judge.majority(len(others)):
        raise Temporary(f"{name} would be without a majority when {node} leaves it")
    return peer


def _forgotten(context: OperationContext, node: str) -> bool:
    try:
        if not _in_gossip(context, node):
            return True
        context.nomad.operator.force_leave(f"{node}.{NOMAD_REGION}")
    except Temporary:  # the answer waits for gossip, sometimes for longer than we do
        return False
    return False


def _in_gossip(context: OperationContext, node: str) -> bool:
    servers = context.nomad.state.servers()
    return any(server.name == node and server.status not in GONE for server in servers)


def _peer(raft: RaftConfiguration, node: str) -> RaftPeer | None:
    return next((peer for peer in raft.peers if peer.name == node), None)
