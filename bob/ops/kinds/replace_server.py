"""A client becomes a server, then the server it replaces, living or lost, becomes a client.

The target is the old server; `params["by"]` names the new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bob.errors import GuardRefused
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.kinds.promote import KIND as PROMOTE
from bob.ops.servers import judge
from bob.ops.servers.join import Join, Vote
from bob.ops.servers.retire import Retire
from bob.ops.servers.settle import Refresh, Settle
from bob.ops.servers.snapshot import Snapshot
from bob.ops.servers.wish import WishClient, WishServer
from bob.ops.step import Step
from bob.ops.view import MEMBER, ClusterView


class ReplaceServer(Kind):
    """One operation, so that nothing else changes the quorum between its halves."""

    name = "replace-server"

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        return ("servers", f"node/{request.target}", f"node/{new_server(request)}")

    def check(self, request: Request, view: ClusterView) -> None:
        new = new_server(request)
        PROMOTE.check(Request(PROMOTE.name, new), view)
        if judge.spare(view, request.target, new) < 0:
            raise GuardRefused(
                f"even with {new} the servers other than {request.target} are no majority",
                cure="Wait until they are well again.",
            )

    def done(self, request: Request, view: ClusterView) -> str:
        new, old = new_server(request), request.target
        if judge.is_wished(view, old) or judge.acts(view, old):
            return ""
        return PROMOTE.done(Request(PROMOTE.name, new), view)

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        old, new = view.wishes[request.target].zone, view.wishes[new_server(request)].zone
        zones = view.zones() + Counter({new: 1})
        if zones[new] - (zones[old] - 1) > 1 and view.wishes[request.target].state == MEMBER:
            yield (
                f"zone {new} then has more servers than zone {old}: the robot will make a node of "
                f"zone {old} a server again, but for nodes in maintenance"
            )

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        new, old = new_server(request), request.target
        return (
            Snapshot(), WishServer(new), Join(new), Vote(new),
            WishClient(old), Retire(old), Settle(old), Refresh(old),
        )  # fmt: skip


def new_server(request: Request) -> str:
    """The node that becomes a server."""
    return str(request.params["by"])


KIND = ReplaceServer()
