"""Nomad's list of nodes is as it should be.

A node that was installed anew is known by two ids: the old one is forgotten once the new one is
ready. A node in maintenance gets no instances, also when it has registered anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bob.clients.nomad import Node
from bob.clients.nomad.records import DOWN
from bob.ops.context import LeaderContext
from bob.ops.view import MAINTENANCE, ClusterView
from bob.robot.duty import Action, Do, Memory

INTERVAL = 10.0


class Registrar:
    """See the module. Nodes that an operation works on are left alone."""

    name = "registrations"
    interval = INTERVAL

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """See `Duty`."""
        if not view.nomad_known or "cluster" in view.held:
            return ()
        free = {name for name in view.nodes if f"node/{name}" not in view.held}
        found: list[Action] = [
            Do(f"forget what {node.name} was before it was installed anew", partial(_forget, node))
            for node in view.former_nodes
            if node.name in free and node.status == DOWN and view.nodes[node.name].ready
        ]
        found += [
            Do(f"keep instances off {name}, which is in maintenance", partial(_keep_off, node))
            for name, node in view.nodes.items()
            if name in free
            and name in view.wishes
            and view.wishes[name].state == MAINTENANCE
            and node.eligible
        ]
        return found


def _forget(node: Node, context: LeaderContext) -> None:
    context.nomad.nodes.purge(node.id)


def _keep_off(node: Node, context: LeaderContext) -> None:
    context.nomad.nodes.set_eligible(node.id, False)


DUTY = Registrar()
