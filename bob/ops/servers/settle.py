"""After a change of the quorum: everybody learns the new number and the new addresses."""

from __future__ import annotations

from bob.errors import DeadlinePassed, Permanent, Temporary
from bob.ops.context import OperationContext
from bob.ops.node_material import encode_files, wanted_files
from bob.ops.servers.configure import TASK
from bob.ops.servers.step import ServerStep
from bob.ops.tasks import Task, TaskState
from bob.ops.view import ClusterView
from bob.waiting import Deadline

REFRESH = "refresh"
NODE_SECONDS = 20.0  # for a node to write a dozen files; one that cannot is told of, not waited for


class Settle(ServerStep):
    """`min_quorum` keeps autopilot from dropping a server that reboots.

    The file counts only when a cluster is made, so it is changed by the API. Without it a second
    loss would end the quorum (measured).
    """

    name = "settle"
    title = "Tell autopilot the new number of servers"

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        count = len(view.servers)
        for operator in context.operators.values():
            if (found := operator.min_quorum()) != count:
                return f"autopilot keeps {found} servers, not {count}"
        return ""

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        count = len(context.view().servers)
        for operator in context.operators.values():
            operator.set_min_quorum(count)


class Refresh(ServerStep):
    """The files name the servers; agents that run know them anyway and are left alone."""

    name = REFRESH
    title = "Write the new servers into the configuration of every node"

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        told = {node for node, task in context.tasks.of_step(REFRESH).items() if _over(task)}
        waiting = [name for name in view.wishes if view.alive(name) and name not in told]
        return f"{', '.join(waiting)} not told yet" if waiting else ""

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        view, told = context.view(), context.tasks.of_step(REFRESH)
        names = [n for n in view.wishes if view.alive(n) and not (n in told and _over(told[n]))]
        for name in names:
            files = wanted_files(context.consul, context.records, name, view.servers)
            args = {"seconds": NODE_SECONDS, "refresh": True}
            context.tasks.start(name, REFRESH, TASK, args, encode_files(files))
        silent = []
        for name in names:
            try:
                context.tasks.wait(name, REFRESH, Deadline(NODE_SECONDS, deadline.clock))
            except (DeadlinePassed, Temporary, Permanent):
                silent.append(name)
        if silent:
            context.say(f"{', '.join(silent)}: will have the new configuration at the next change")


def _over(task: Task) -> bool:
    return task.state in (TaskState.DONE, TaskState.FAILED)
