"""New files on every node, and its agents restarted with them: servers one at a time.

Services run on while their agents restart. A server is touched only when all are sound, and the one
that leads Nomad comes last, so that leadership moves once. Clients go in small groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bob.ops.context import OperationContext
from bob.ops.node_material import encode_files, wanted_files
from bob.ops.servers import judge
from bob.ops.servers.configure import TASK, configure
from bob.ops.servers.step import ServerStep
from bob.ops.tasks import TASKS, Task, TaskState
from bob.ops.view import ClusterView
from bob.provision.agents import HEALTH_UNIT, NOMAD_UNIT, consul_agents
from bob.waiting import Deadline, wait_for

STEP = "roll-out"
NODE_SECONDS = 120.0  # five units restart in 5-10 s; a busy host takes longer
GROUP = 5  # clients whose agents restart at the same time
LOOK_SECONDS = 0.5


class RollOut(ServerStep):
    """A node that is not alive is left out: the kind's guard has told of it."""

    name = STEP
    title = "Bring them to every node, servers one after another"
    timeout = 3600.0

    def __init__(self) -> None:
        super().__init__("")

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        """See `ServerStep.lack`."""
        done = _served(context)
        waiting = [name for name in view.wishes if view.alive(name) and name not in done]
        return f"{', '.join(waiting)} not yet" if waiting else unsound(view)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        view = context.view()
        for name in sorted(view.servers, key=lambda each: each == view.nomad.leader):
            if name not in _served(context) and view.alive(name):
                self._await_sound(context)
                context.say(f"restarting the agents of {name}")
                limit = Deadline(NODE_SECONDS, deadline.clock)
                configure(context, name, view.servers, STEP, limit)
        self._await_sound(context)
        clients = [n for n in view.clients if view.alive(n) and n not in _served(context)]
        for group in _groups(clients):
            context.say(f"restarting the agents of {', '.join(group)}")
            self._bring(context, group, view.servers, deadline)

    def _bring(
        self,
        context: OperationContext,
        names: Sequence[str],
        servers: Sequence[str],
        deadline: Deadline,
    ) -> None:
        units = [agent.unit for agent in consul_agents(context.records.cluster())]
        for name in names:
            files = wanted_files(context.consul, context.records, name, servers)
            args = {"restart": [*units, NOMAD_UNIT, HEALTH_UNIT], "forget_raft": False}
            context.tasks.start(name, STEP, TASK, args, encode_files(files))
        for name in names:
            context.tasks.wait(name, STEP, Deadline(NODE_SECONDS, deadline.clock))

    def _await_sound(self, context: OperationContext) -> None:
        def sound() -> bool:
            reason = unsound(context.view())
            if reason:
                context.say(f"waiting: {reason}")
            return not reason

        wait_for(
            sound,
            what="every server sound",
            deadline=Deadline(NODE_SECONDS, context.clock),
            interval=LOOK_SECONDS,
            cure="Look at bob status; then: bob op retry.",
        )


def unsound(view: ClusterView) -> str:
    """Why no server may be restarted now, or ""."""
    for name in view.servers:
        if lack := judge.lacks(view, name):
            return lack
        if not (name in view.nodes and view.nodes[name].ready):
            return f"Nomad does not find {name} ready"
    return ""


def sick(view: ClusterView) -> str:
    """Why the work should not even begin, or "".

    Only what is seen counts: an answer that was late, or a server that is not yet stable, is
    waited for before each restart.
    """
    for name in view.servers:
        for raft, quorum in view.quorums.items():
            if quorum.health is None:
                continue
            server = quorum.server(name)
            if server is None or not server.voter:
                return f"{name} has no vote in {raft} yet"
            if not server.healthy:
                return f"{name} is not healthy in {raft}"
        if view.nomad_known and not (name in view.nodes and view.nodes[name].ready):
            return f"Nomad does not find {name} ready"
    return ""


def _groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), GROUP):
        yield names[first : first + GROUP]


def _served(context: OperationContext) -> frozenset[str]:
    """The nodes whose task of this operation is done."""
    ending = f"/{context.operation.id}.{STEP}"
    return frozenset(
        entry.key.removeprefix(TASKS).removesuffix(ending)
        for entry in context.consul.kv.list(TASKS)
        if entry.key.endswith(ending)
        and Task.model_validate_json(entry.value).state is TaskState.DONE
    )
