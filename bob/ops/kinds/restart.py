"""`bob service restart`: every instance anew, one after another."""

from __future__ import annotations

from collections.abc import Mapping

from bob.catalogue import Catalogue
from bob.ops.configuration.store import newest_number
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.services.deployed import refuse_unknown
from bob.ops.services.jobs import definition
from bob.ops.services.steps import RecordWishes, RunJobs, Settle
from bob.ops.services.stored import catalogue_in
from bob.ops.services.wishes import Wanted, read_wish
from bob.ops.step import Step
from bob.ops.view import ClusterView


class Restart(Kind):
    """A service whose configuration is pinned takes the newest one over."""

    name = "restart"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return (f"service/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        refuse_unknown(self.catalogue.extended(view.catalogue), view, request.target)

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        return (
            RecordWishes(self._wishes),
            RunJobs(self.catalogue, self._wishes),
            Settle(self._wishes),
        )

    def _wishes(self, context: OperationContext) -> Mapping[str, Wanted]:
        name = context.target
        known = read_wish(context.consul, name)
        if known is None or known.operation == context.operation.id:
            return {name: known.wanted} if known else {}
        changes: dict[str, int] = {"restarts": known.restarts + 1}
        catalogue = catalogue_in(context, self.catalogue)
        if known.definition == definition(catalogue, name, known.image):
            changes["generation"] = newest_number(context.consul, name)
        return {name: known.wanted.model_copy(update=changes)}


KIND = Restart(Catalogue())
