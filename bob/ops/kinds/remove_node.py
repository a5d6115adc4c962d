"""`remove-node NODE`: a node leaves for good, alive or dead, and is forgotten."""

from __future__ import annotations

from collections.abc import Iterable

from bob.catalogue import Catalogue
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.maintenance.guards import thinner
from bob.ops.removal import as_server, judge
from bob.ops.removal.steps import Forget, MarkLeaving, Vacate, Wipe
from bob.ops.servers.judge import substitute
from bob.ops.step import Step
from bob.ops.view import ClusterView

DRAIN_SECONDS = 600.0


class RemoveNode(Kind):
    """Parameter: `deadline`, seconds until instances that have not moved are stopped.

    A server is replaced by the best client first. What is alive is wiped by its own agent.
    """

    name = "remove-node"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        node = request.target
        return as_server.scopes_of(
            node, server=judge.is_server(view, node), stand_in=substitute(view, node)
        )

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        judge.refuse(view, request.target)

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        """See `Kind.guards`."""
        return judge.guards(view, request.target, self.catalogue)

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        """See `Kind.warnings`."""
        if other := substitute(view, request.target):
            yield f"{other} becomes a server in the place of {request.target}"
        yield from thinner(view, request.target, self.catalogue)

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        node = request.target
        return (
            MarkLeaving(),
            Vacate(float(request.params.get("deadline", DRAIN_SECONDS))),
            *as_server.before(),
            *as_server.after(node),
            Wipe(),
            Forget(),
        )


KIND = RemoveNode(Catalogue())
