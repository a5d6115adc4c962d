"""`demote NODE`: a server becomes a client, and nobody takes its place."""

from __future__ import annotations

from collections.abc import Iterable

from bob.errors import GuardRefused, PreflightRefused
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.servers import judge
from bob.ops.servers.retire import Retire
from bob.ops.servers.settle import Refresh, Settle
from bob.ops.servers.snapshot import Snapshot
from bob.ops.servers.wish import WishClient
from bob.ops.step import Step
from bob.ops.view import ClusterView


class Demote(Kind):
    """See the module. It is also how a client that still runs as a server is put right."""

    name = "demote"

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        return ("servers", f"node/{request.target}")

    def check(self, request: Request, view: ClusterView) -> None:
        node = request.target
        judge.require(view, node, view.wishes)
        if not set(view.servers) - {node}:
            raise GuardRefused(f"{node} is the last server", cure="Promote another node first.")
        if raft := judge.leaderless(view):
            raise PreflightRefused(
                f"{raft} has no leader now, so no server can leave",
                cure="bob status tells why. When servers are gone for good: bob recover-quorum.",
            )
        if judge.spare(view, node) < 0:
            raise GuardRefused(
                f"without {node} the other servers are no majority",
                cure="Wait until they are well again, or promote another node first.",
            )

    def done(self, request: Request, view: ClusterView) -> str:
        node = request.target
        idle = node in view.wishes and not judge.is_wished(view, node)
        return f"{node} is a client already" if idle and not judge.acts(view, node) else ""

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        node = request.target
        counts = judge.wanted_servers(view) > 1 and judge.votes_somewhere(view, node)
        if counts and judge.spare(view, node) == 0:
            yield Guard(
                "quorum-loss",
                f"without {node} the loss of one more server stops the cluster",
                cure="Promote another node first.",
            )

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        left = len(set(view.servers) - {request.target})
        if left < judge.wanted_servers(view):
            yield "the robot will make a server of the best node again, maybe of this one"
        elif left % 2 == 0:
            yield f"{left} servers bear no more losses than {left - 1}"

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        node = request.target
        return Snapshot(), WishClient(node), Retire(node), Settle(node), Refresh(node)


KIND = Demote()
