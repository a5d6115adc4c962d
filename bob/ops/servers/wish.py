"""What a node should be, written down before it is made so."""

from __future__ import annotations

from bob.ops.context import OperationContext
from bob.ops.servers.step import ServerStep
from bob.ops.view import CLIENT, SERVER, ClusterView
from bob.waiting import Deadline


class WishServer(ServerStep):
    """The node should be a server."""

    name = "wish-server"
    title = "Note that the node is to be a server"

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        return _lack(view, self.node, SERVER)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        since = context.operation.id
        context.records.change_node(self.node, role=SERVER, server_since=since)

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        context.records.change_node(self.node, role=CLIENT)


class WishClient(ServerStep):
    """The node should be no server."""

    name = "wish-client"
    title = "Note that the node is to be no server"

    def lack(self, context: OperationContext, view: ClusterView) -> str:
        return _lack(view, self.node, CLIENT)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        context.records.change_node(self.node, role=CLIENT)

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        context.records.change_node(self.node, role=SERVER)


def _lack(view: ClusterView, node: str, role: str) -> str:
    wish = view.wishes.get(node)
    return "" if wish is None or wish.role == role else f"{node} is to be a {wish.role}"
