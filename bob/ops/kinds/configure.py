"""`bob config set`: another configuration of a service."""

from __future__ import annotations

from collections.abc import Mapping

from bob.catalogue import Catalogue
from bob.errors import UsageError
from bob.ops.configuration.generation import Generation, changed, needs_restart
from bob.ops.configuration.request import change_of
from bob.ops.configuration.steps import WriteGeneration
from bob.ops.configuration.store import generation, newest
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.services.jobs import definition
from bob.ops.services.steps import RecordWishes, RunJobs, Settle
from bob.ops.services.stored import catalogue_in
from bob.ops.services.wishes import Wanted, read_wish
from bob.ops.step import Step
from bob.ops.view import ClusterView

NAME = "configure"


class Configure(Kind):
    """Parameters: `values`, `texts` (None: the default again), and `secrets` that were set anew.

    With `to` it is the configuration of that number again.
    """

    name = NAME

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return (f"service/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`. Values are checked here once more: any program may record a wish."""
        catalogue = self.catalogue.extended(view.catalogue)
        service = catalogue.service(request.target)
        if request.params.get("to") is not None:
            return
        change = change_of(request)
        if not (change.values or change.texts or change.secrets):
            raise UsageError("no change was named", cure="Name a parameter and its value.")
        changed(catalogue, service, Generation(), change)

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        return (
            WriteGeneration(self.catalogue),
            RecordWishes(self._wishes),
            RunJobs(self.catalogue, self._wishes),
            Settle(self._wishes),
        )

    def _wishes(self, context: OperationContext) -> Mapping[str, Wanted]:
        """Nothing for a service that is not deployed, pinned, or reads what changed by itself."""
        name = context.target
        known = read_wish(context.consul, name)
        if known is None:
            return {}
        if known.operation == context.operation.id:
            return {name: known.wanted}
        catalogue = catalogue_in(context, self.catalogue)
        service = catalogue.service(name)
        latest = newest(context.consul, name)
        if service.config_update == "pinned" or latest.operation != context.operation.id:
            return {}
        if not needs_restart(service, generation(context.consul, name, known.generation), latest):
            return {}
        changes = {
            "generation": latest.number,
            "definition": definition(catalogue, name, known.image),
        }
        return {name: known.wanted.model_copy(update=changes)}


KIND = Configure(Catalogue())
