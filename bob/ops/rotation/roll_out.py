"""New files on every node, and its agents restarted with them."""

from __future__ import annotations

from collections.abc import Sequence

from bob.ops.context import OperationContext
from bob.ops.node_material import encode_files, wanted_files
from bob.ops.servers.configure import TASK, configure
from bob.ops.servers.rolling import NODE_SECONDS, Rolling
from bob.ops.view import SERVER, ClusterView
from bob.provision.agents import HEALTH_UNIT, NOMAD_UNIT, consul_agents
from bob.waiting import Deadline

STEP = "roll-out"


class RollOut(Rolling):
    """A node that is not alive is left out: the kind's guard has told of it."""

    name = STEP
    title = "Bring them to every node, servers one after another"

    def bring(
        self, context: OperationContext, view: ClusterView, names: Sequence[str], deadline: Deadline
    ) -> None:
        """See `Rolling.bring`."""
        context.say(f"restarting the agents of {', '.join(names)}")
        if view.wishes[names[0]].role == SERVER:
            limit = Deadline(NODE_SECONDS, deadline.clock)
            configure(context, names[0], view.servers, STEP, limit)
            return
        units = [agent.unit for agent in consul_agents(context.records.cluster())]
        for name in names:
            files = wanted_files(context.consul, context.records, name, view.servers)
            args = {"restart": [*units, NOMAD_UNIT, HEALTH_UNIT], "forget_raft": False}
            context.tasks.start(name, STEP, TASK, args, encode_files(files))
        for name in names:
            context.tasks.wait(name, STEP, Deadline(NODE_SECONDS, deadline.clock))
