"""`bob maintain`: take a node out of service for work on it, and back with `--off`."""

from __future__ import annotations

from collections.abc import Iterable

from bob.catalogue import Catalogue
from bob.errors import PreflightRefused, UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.maintenance.guards import last_instance, quorum_loss, thinner
from bob.ops.maintenance.steps import Admit, Drain, Mark, Unmark
from bob.ops.step import Step
from bob.ops.view import MAINTENANCE, MEMBER, ClusterView

DEADLINE_SECONDS = 600.0


class Maintain(Kind):
    """Parameters: `off` (back to service), `deadline` (seconds until what is left is stopped).

    A server stays a server: it is only told apart, so that it is not chosen for anything new.
    """

    name = "maintain"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return (f"node/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        name = request.target
        if name not in view.wishes:
            raise UsageError(
                f"there is no node {name!r}", cure=f"There are: {', '.join(sorted(view.wishes))}."
            )
        state = view.wishes[name].state
        if state not in (MEMBER, MAINTENANCE):
            raise PreflightRefused(
                f"{name} is {state}", cure="Wait for the operation that works on it: bob op ls"
            )
        if not view.nomad_known:
            raise PreflightRefused("Nomad gives no answer", cure="Look at: bob status")
        if request.params.get("off"):
            return
        if name not in view.nodes or not view.nodes[name].ready:
            raise PreflightRefused(
                f"{name} is down, so there is nothing to move: its instances are started elsewhere",
                cure=f"Bring it up and try again, or take it out for good: bob remove-node {name}",
            )

    def done(self, request: Request, view: ClusterView) -> str:
        """See `Kind.done`."""
        name, wish = request.target, view.wishes.get(request.target)
        node = view.nodes.get(name)
        if wish is None or node is None or node.draining:
            return ""
        if request.params.get("off"):
            return f"{name} is in service" if wish.state == MEMBER and node.eligible else ""
        quiet = wish.state == MAINTENANCE and not node.eligible
        return f"{name} is in maintenance" if quiet else ""

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        """See `Kind.guards`."""
        if request.params.get("off"):
            return
        yield from quorum_loss(view, request.target)
        yield from last_instance(view, request.target, self.catalogue)

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        """See `Kind.warnings`."""
        if not request.params.get("off"):
            yield from thinner(view, request.target, self.catalogue)

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        if request.params.get("off"):
            return (Admit(), Unmark())
        return (Mark(), Drain(float(request.params.get("deadline", DEADLINE_SECONDS))))


KIND = Maintain(Catalogue())
