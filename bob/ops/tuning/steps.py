"""Write the settings everywhere, restart Nomad on the servers one at a time, note what was done.

Only Nomad's servers are restarted: a time to live that is too short for the number of nodes makes
a new leader take healthy nodes for lost. Consul's gossip works with settings that differ from agent
to agent; it gets the new ones at its next start.
"""

from __future__ import annotations

import json

from bob.errors import Permanent
from bob.ops.context import OperationContext
from bob.ops.sense import TUNING
from bob.ops.servers import judge
from bob.ops.servers.configure import TASK
from bob.ops.servers.settle import Refresh
from bob.ops.servers.step import ServerStep
from bob.ops.tasks import TASKS, Task, TaskState
from bob.ops.tuning.settings import Settings
from bob.ops.view import ClusterView
from bob.provision.agents import NOMAD_UNIT
from bob.waiting import Deadline, wait_for

RESTART = "restart"
SERVER_SECONDS = 120.0  # a restart takes 3 s, autopilot's stabilisation 10 s, its next round 10 s
LOOK_SECONDS = 0.5


class WriteSettings(Refresh):
    """A node that does not answer gets them with its next change."""

    title = "Write the settings into the configuration of every node"


class RestartServers(ServerStep):
    """Each only when all are sound; the leader last, so that leadership moves once."""

    name = RESTART
    title = "Restart Nomad on the servers, one after another"
    timeout = 5 * SERVER_SECONDS

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        """See `ServerStep.lack`."""
        waiting = [name for name in view.servers if not _restarted(context, name)]
        if waiting:
            return f"{', '.join(waiting)} not restarted yet"
        return _unsound(view)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        view = context.view()
        for name in sorted(view.servers, key=lambda each: each == view.nomad.leader):
            if not _restarted(context, name):
                self._await_sound(context)
                context.say(f"restarting Nomad on {name}")
                limit = Deadline(SERVER_SECONDS, deadline.clock)
                context.tasks.run(name, RESTART, TASK, limit, {"restart": [NOMAD_UNIT]})
        self._await_sound(context)

    def _await_sound(self, context: OperationContext) -> None:
        def sound() -> bool:
            reason = _unsound(context.view())
            if reason:
                context.say(f"waiting: {reason}")
            return not reason

        wait_for(
            sound,
            what="every server sound",
            deadline=Deadline(SERVER_SECONDS, context.clock),
            interval=LOOK_SECONDS,
            cure="Look at bob status; then: bob op retry.",
        )


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


def _restarted(context: OperationContext, node: str) -> bool:
    entry = context.consul.kv.get(f"{TASKS}{node}/{context.operation.id}.{RESTART}")
    return entry is not None and Task.model_validate_json(entry.value).state is TaskState.DONE


def _unsound(view: ClusterView) -> str:
    """Why no server may be restarted now, or ""."""
    if "servers" in view.held:
        return "another operation changes the servers"
    for name in view.servers:
        if lack := judge.lacks(view, name):
            return lack
        if not (name in view.nodes and view.nodes[name].ready):
            return f"Nomad does not find {name} ready"
    return ""
