"""`bob service rollback`: the version of a service that was wished before."""

from __future__ import annotations

from collections.abc import Mapping

from bob.catalogue import Catalogue
from bob.errors import UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.services.deployed import refuse_unknown
from bob.ops.services.jobs import register_as_planned
from bob.ops.services.revert import known_version, revertible
from bob.ops.services.steps import RecordWishes, RunJobs, Settle
from bob.ops.services.wishes import Wanted, parse_wish, read_wish
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import ClusterView
from bob.waiting import Deadline


class Rollback(Kind):
    """Image, configuration, count and job as before; once more, and it is as it was."""

    name = "rollback"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return (f"service/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        refuse_unknown(self.catalogue.extended(view.catalogue), view, request.target)
        if not revertible(parse_wish(view.services[request.target])):
            raise UsageError(
                f"{request.target} has no version before this one",
                cure=f"See its operations: bob op ls. Deploy it: bob deploy {request.target}",
            )

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        return (
            BringBack(),
            RecordWishes(_wishes),
            RunJobs(self.catalogue, _wishes),
            Settle(_wishes),
        )


class BringBack(Step[OperationContext]):
    """The job may be one that this Bob's catalogue no longer makes, so Nomad's memory is used."""

    name = "version"
    title = "Register the version before"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        wish = read_wish(context.consul, context.target)
        if wish is None or wish.operation == context.operation.id or wish.before_version is None:
            return DONE
        job = known_version(context.nomad, context.target, wish.before_version)
        plan = context.nomad.jobs.plan({**job, "Stop": False})
        return needed("another version is registered") if plan.changes else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        wish = read_wish(context.consul, context.target)
        if wish is None or wish.before_version is None:
            return
        job = known_version(context.nomad, context.target, wish.before_version)
        register_as_planned(context.nomad, job)


def _wishes(context: OperationContext) -> Mapping[str, Wanted]:
    known = read_wish(context.consul, context.target)
    if known is None:
        return {}
    if known.operation == context.operation.id or known.before is None:
        return {context.target: known.wanted}
    return {context.target: known.before}


KIND = Rollback(Catalogue())
