"""What ran on a host that is gone starts elsewhere at once, not when Nomad misses its heartbeat.

Nomad gives a node several seconds, and after a change of its leader 12 s or more: it knows nothing
but heartbeats. Gossip knows after 2 to 3 s that a host is silent, and one that is silent on every
network has no power, or none that is of use to anybody. Nomad then forgets the node, which has the
same effect as calling it down. When the host comes back, its agent registers by itself.

Left to Nomad: a node that is silent on some networks only, one that said goodbye, clusters with one
network (there is no second opinion), and a day on which much is silent at once: then it may be us.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bob.clients.consul import MemberStatus
from bob.clients.nomad import Node
from bob.ops.context import LeaderContext
from bob.ops.view import MEMBER, ClusterView
from bob.robot.duty import Action, Do, Memory, Say

INTERVAL = 2.0
LEAST_NETWORKS = 2
LARGEST_SHARE = 1 / 3  # of the nodes


class LostNodes:
    """See the module. A node in maintenance runs nothing, and what is noted of it would be lost."""

    name = "lost-nodes"
    interval = INTERVAL

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """See `Duty`."""
        networks = view.cluster.network_names()
        if len(networks) < LEAST_NETWORKS or not view.nomad_known:
            return ()
        silent = [name for name in view.wishes if _silent(view, name)]
        lost = [
            view.nodes[name]
            for name in silent
            if name in view.nodes and view.nodes[name].ready and view.wishes[name].state == MEMBER
        ]
        if not lost:
            return ()
        names = ", ".join(node.name for node in lost)
        if len(silent) > max(1, LARGEST_SHARE * len(view.wishes)):
            return (Say(f"{names} left to Nomad: {len(silent)} nodes are silent at once"),)
        return [
            Do(f"start elsewhere what ran on {node.name}, which is silent everywhere",
               partial(_forget, node))
            for node in lost
        ]  # fmt: skip


def _silent(view: ClusterView, name: str) -> bool:
    """Gossip calls the node failed on every network."""
    return all(
        (member := view.members.get(network, {}).get(name)) is not None
        and member.status is MemberStatus.FAILED
        for network in view.cluster.network_names()
    )


def _forget(node: Node, context: LeaderContext) -> None:
    context.nomad.nodes.purge(node.id)


DUTY = LostNodes()
