"""A client becomes a server: of Consul on every network, and of Nomad."""

from __future__ import annotations

from bob.ops.context import OperationContext
from bob.ops.servers import judge
from bob.ops.servers.configure import configure, servers_of
from bob.ops.servers.retire import retire
from bob.ops.servers.step import ServerStep
from bob.ops.view import ClusterView
from bob.waiting import Deadline


class Join(ServerStep):
    """It runs as a server everywhere. Its data and its tasks stay as they are."""

    name = "join"
    title = "Make the node a server of Consul on every network, and of Nomad"

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        return judge.runs_as_server(view, self.node)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        servers = servers_of(context.view(), adding=self.node)
        configure(context, self.node, servers, self.name, deadline)
        self.wait(context, deadline, f"Look at journalctl -u 'consul-*' -u nomad on {self.node}.")

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        retire(context, self.node, deadline, "join-undo")


class Vote(ServerStep):
    """Autopilot gives it a vote after ten seconds without a fault, and we see it stay healthy."""

    name = "vote"
    title = "Wait until the node has a stable vote in every quorum"

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        return judge.lacks(view, self.node)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        cure = f"bob op abort makes {self.node} a client again; look at its journal before."
        self.wait(context, deadline, cure)
