"""Write the settings everywhere, restart Nomad on the servers one at a time, note what was done.

Only Nomad's servers are restarted: a time to live that is too short for the number of nodes makes
a new leader take healthy nodes for lost. Consul's gossip works with settings that differ from agent
to agent; it gets the new ones at its next start.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bob.errors import Permanent
from bob.ops.context import OperationContext
from bob.ops.sense import TUNING
from bob.ops.servers.configure import TASK
from bob.ops.servers.rolling import NODE_SECONDS, Rolling
from bob.ops.servers.settle import Refresh
from bob.ops.servers.step import ServerStep
from bob.ops.tuning.settings import Settings
from bob.ops.view import ClusterView
from bob.provision.agents import NOMAD_UNIT
from bob.waiting import Deadline


class WriteSettings(Refresh):
    """A node that does not answer gets them with its next change."""

    title = "Write the settings into the configuration of every node"


class RestartServers(Rolling):
    """All servers, also one that does not answer: it must not lead with the old settings."""

    name = "restart"
    title = "Restart Nomad on the servers, one after another"
    timeout = 5 * NODE_SECONDS
    undone = "not restarted yet"

    def nodes(self, context: OperationContext, view: ClusterView) -> list[str]:
        """See `Rolling.nodes`."""
        return list(view.servers)

    def unsound(self, view: ClusterView) -> str:
        """See `Rolling.unsound`."""
        if "servers" in view.held:
            return "another operation changes the servers"
        return super().unsound(view)

    def bring(
        self, context: OperationContext, view: ClusterView, names: Sequence[str], deadline: Deadline
    ) -> None:
        """See `Rolling.bring`."""
        for name in names:
            context.say(f"restarting Nomad on {name}")
            limit = Deadline(NODE_SECONDS, deadline.clock)
            context.tasks.run(name, self.name, TASK, limit, {"restart": [NOMAD_UNIT]})


class NoteSettings(ServerStep):
    """The last step, so that a change that was begun is ended."""

    name = "note"
    title = "Note the settings that are in force"

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        """See `ServerStep.lack`."""
        return "" if view.tuning == _wanted(context) else "other settings are noted"

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        context.records.put(TUNING, json.dumps(_wanted(context), indent=2))


def _wanted(context: OperationContext) -> Settings:
    found = context.request.params.get("settings")
    if not isinstance(found, dict):
        raise Permanent("the operation does not say which settings", cure="This is a bug.")
    return found
