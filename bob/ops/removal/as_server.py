"""The steps about quorums as a part of the removal of a node, which may be no server at all.

Another node becomes a server first, when one is needed and fit, so that no quorum shrinks on the
way. Which one is settled when the operation is recorded: it is among the operation's scopes.
"""

from __future__ import annotations

from bob.ops.context import OperationContext
from bob.ops.record import Operation
from bob.ops.servers.join import Join, Vote
from bob.ops.servers.retire import Retire
from bob.ops.servers.settle import Refresh, Settle
from bob.ops.servers.snapshot import Snapshot
from bob.ops.servers.step import ServerStep
from bob.ops.servers.wish import WishClient, WishServer
from bob.ops.step import DONE, Probe, Step
from bob.waiting import Deadline

SERVERS = "servers"
NODE = "node/"


def scopes_of(node: str, *, server: bool, stand_in: str) -> tuple[str, ...]:
    """What the removal of `node` holds. `stand_in` becomes a server first; "" for nobody."""
    quorum = (SERVERS,) if server else ()
    return (f"{NODE}{node}", *quorum, *((f"{NODE}{stand_in}",) if stand_in else ()))


def stand_in_of(operation: Operation) -> str:
    """The node that becomes a server first; "" for nobody."""
    own = f"{NODE}{operation.target}"
    nodes = [s.removeprefix(NODE) for s in operation.scopes if s.startswith(NODE) and s != own]
    return nodes[0] if nodes else ""


class _OfStandIn(ServerStep):
    """A step for the node that stands in; there may be none."""

    def __init__(self) -> None:
        super().__init__("")

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        self.node = stand_in_of(context.operation)
        return super().probe(context) if self.node else DONE

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.undo`."""
        self.node = stand_in_of(context.operation)
        if self.node:
            super().undo(context, deadline)


class WishStandIn(_OfStandIn, WishServer):
    """See `WishServer`."""

    title = "Note that another node is to be a server in its place"


class JoinStandIn(_OfStandIn, Join):
    """See `Join`."""

    title = "Make the other node a server of Consul on every network, and of Nomad"


class VoteStandIn(_OfStandIn, Vote):
    """See `Vote`."""

    title = "Wait until the other node has a stable vote in every quorum"


class _OfServer(Step[OperationContext]):
    """A step that only the removal of a server needs."""

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        return super().probe(context) if SERVERS in context.operation.scopes else DONE  # type: ignore[safe-super]


class SnapshotFirst(_OfServer, Snapshot):
    """See `Snapshot`."""


class WishNone(_OfServer, WishClient):
    """See `WishClient`."""


class RetireServer(_OfServer, Retire):
    """See `Retire`."""


class SettleRest(_OfServer, Settle):
    """See `Settle`."""


class RefreshRest(_OfServer, Refresh):
    """See `Refresh`."""


def before() -> tuple[Step[OperationContext], ...]:
    """Make another node a server."""
    return (SnapshotFirst(), WishStandIn(), JoinStandIn(), VoteStandIn())


def after(node: str) -> tuple[Step[OperationContext], ...]:
    """Make the node none, and have the others know."""
    return (WishNone(node), RetireServer(node), SettleRest(node), RefreshRest(node))
