"""`promote NODE`: a client becomes a server as well."""

from __future__ import annotations

from collections.abc import Iterable

from bob.errors import PreflightRefused
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.servers import judge
from bob.ops.servers.join import Join, Vote
from bob.ops.servers.settle import Refresh, Settle
from bob.ops.servers.snapshot import Snapshot
from bob.ops.servers.wish import WishServer
from bob.ops.step import Step
from bob.ops.view import ClusterView


class Promote(Kind):
    """See the module. It is also how a server that runs as a client is put right."""

    name = "promote"

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        return ("servers", f"node/{request.target}")

    def check(self, request: Request, view: ClusterView) -> None:
        node = request.target
        judge.require(view, node, view.wishes)
        if raft := judge.leaderless(view):
            raise PreflightRefused(
                f"{raft} has no leader now, so nobody can become a server",
                cure="bob status tells why. When servers are gone for good: bob recover-quorum.",
            )
        if reason := judge.unfit(view, node):
            raise PreflightRefused(reason, cure="A server has to be in good health first.")

    def done(self, request: Request, view: ClusterView) -> str:
        node = request.target
        full = judge.is_wished(view, node) and not judge.runs_as_server(view, node)
        return f"{node} is a server already" if full else ""

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        node = request.target
        if other := judge.crowded(view, node):
            zone, better = view.wishes[node].zone, view.wishes[other].zone
            yield (
                f"zone {zone} has more servers already than zone {better}: promote {other} "
                "instead, so that no zone takes the majority with it"
            )
        count, wanted = len({*view.servers, node}), judge.wanted_servers(view)
        if count > wanted:
            yield (
                f"with {count} servers there is one more than the {wanted} wanted: "
                "the robot will make another server a client"
            )
        elif count % 2 == 0:
            yield f"{count} servers bear no more losses than {count - 1}"

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        node = request.target
        return Snapshot(), WishServer(node), Join(node), Vote(node), Settle(node), Refresh(node)


KIND = Promote()
