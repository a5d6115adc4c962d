"""Work that restarts agents on every node: servers one at a time, then clients in small groups.

A server is touched only when all are sound, and the one that leads comes last, so that leadership
moves once. Services run on while their agents restart.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from bob.ops.context import OperationContext
from bob.ops.servers import judge
from bob.ops.servers.step import LOOK_SECONDS, ServerStep
from bob.ops.tasks import TaskState
from bob.ops.view import ClusterView
from bob.waiting import Deadline, wait_for

# Five units restart in 5-10 s and autopilot settles in 20 s; a busy host takes longer.
NODE_SECONDS = 120.0
GROUP = 5  # clients whose agents restart at the same time


class Rolling(ServerStep):
    """A step over many nodes; which ones it has served is known by their tasks."""

    timeout = 3600.0
    undone: ClassVar[str] = "not yet"
    """What is said of nodes that are still to be served."""
    cure: ClassVar[str] = "Look at bob status; then: bob op retry."

    def __init__(self) -> None:
        super().__init__("")

    @abstractmethod
    def bring(
        self, context: OperationContext, view: ClusterView, names: Sequence[str], deadline: Deadline
    ) -> None:
        """Serve these nodes at the same time: one server, or a group of clients."""

    @property
    def task(self) -> str:
        """The task whose end means that a node is served."""
        return self.name

    def nodes(self, context: OperationContext, view: ClusterView) -> list[str]:
        """The nodes to serve: those that are alive."""
        return [name for name in view.wishes if view.alive(name)]

    def leader(self, view: ClusterView) -> str:
        """The server that comes last."""
        return view.nomad.leader

    def unsound(self, view: ClusterView) -> str:
        """Why no server may be restarted now, or ""."""
        return judge.unsound(view)

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        """See `ServerStep.lack`."""
        waiting = self._waiting(context, self.nodes(context, view))
        return f"{', '.join(waiting)} {self.undone}" if waiting else self.unsound(view)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        view = context.view()
        waiting = self._waiting(context, self.nodes(context, view))
        leader = self.leader(view)
        servers = [name for name in view.servers if name in waiting]
        for name in sorted(servers, key=lambda each: each == leader):
            self._await_sound(context)
            self.bring(context, view, [name], deadline)
        self._await_sound(context)
        clients = [name for name in view.clients if name in waiting]
        for first in range(0, len(clients), GROUP):
            self.bring(context, view, clients[first : first + GROUP], deadline)

    def _waiting(self, context: OperationContext, names: Sequence[str]) -> list[str]:
        tasks = context.tasks.of_step(self.task)
        served = {node for node, task in tasks.items() if task.state is TaskState.DONE}
        return [name for name in names if name not in served]

    def _await_sound(self, context: OperationContext) -> None:
        def sound() -> bool:
            reason = self.unsound(context.view())
            if reason:
                context.say(f"waiting: {reason}")
            return not reason

        wait_for(
            sound,
            what="every server sound",
            deadline=Deadline(NODE_SECONDS, context.clock),
            interval=LOOK_SECONDS,
            cure=self.cure,
        )
