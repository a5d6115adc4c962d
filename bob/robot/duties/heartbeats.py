"""Heartbeats and gossip follow the number of nodes.

Thresholds are in `bob.provision`: beyond one of them the servers must give nodes more time after a
change of leader, or they take healthy ones for lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bob.ops.context import LeaderContext
from bob.ops.kind import Request
from bob.ops.sense import TUNING
from bob.ops.tuning.settings import settings_for
from bob.ops.view import ClusterView
from bob.robot.duty import Action, Do, Memory, Wish

INTERVAL = 30.0
SCOPES = ("servers", "cluster")  # nothing is begun beside a change of these


class Heartbeats:
    """See the module. A cluster without a note is young: its files were made for its size."""

    name = "heartbeats"
    interval = INTERVAL

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """See `Duty`."""
        nodes = len(view.cluster.nodes)
        wanted = settings_for(nodes)
        if view.tuning == wanted or any(scope in view.held for scope in SCOPES):
            return ()
        if view.tuning is None:

            def note(context: LeaderContext) -> None:
                context.records.put(TUNING, json.dumps(wanted, indent=2))

            return (Do("note the settings that depend on the number of nodes", note),)
        request = Request("tune", view.cluster.name, {"settings": wanted})
        return (Wish(request, f"the cluster has {nodes} nodes now"),)


DUTY = Heartbeats()
