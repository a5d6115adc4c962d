"""`bob undeploy`: stop a service and forget that it was wanted."""

from __future__ import annotations

from collections.abc import Iterable

from bob.catalogue import Catalogue
from bob.clients.nomad.records import RUNNING
from bob.errors import UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.services.wishes import read_wish, write_wish
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import ClusterView
from bob.waiting import Deadline

DEPENDENTS = "dependents"
STOPPING_SECONDS = 300.0  # Nomad repeats a stop that docker refused after 5, 25 and 105 s


class Undeploy(Kind):
    """What the service depends on stays."""

    name = "undeploy"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return (f"service/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        known = {*self.catalogue.extended(view.catalogue).names(), *view.services}
        if request.target not in known:
            raise UsageError(
                f"there is no service {request.target!r}",
                cure=f"Deployed are: {', '.join(sorted(view.services)) or 'none'}.",
            )

    def done(self, request: Request, view: ClusterView) -> str:
        """See `Kind.done`."""
        name = request.target
        if name in view.services or name in view.jobs or not view.nomad_known:
            return ""
        known = self.catalogue.extended(view.catalogue).names()
        return f"{name} is not deployed" if name in known else ""

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        """See `Kind.guards`."""
        catalogue = self.catalogue.extended(view.catalogue)
        known = set(catalogue.names())
        users = sorted(
            name
            for name in view.services
            if name in known and request.target in catalogue.service(name).depends
        )
        if users:
            yield Guard(
                DEPENDENTS,
                f"{', '.join(users)} cannot do without {request.target}",
                cure=f"Undeploy {', '.join(users)} first.",
            )

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        return (StopJob(), ForgetWish())


class StopJob(Step[OperationContext]):
    """Aborted, the reconciler starts it again: the service is wished until the last step."""

    name = "stop"
    title = "Stop every instance"
    timeout = STOPPING_SECONDS

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        job = context.nomad.jobs.get(context.target)
        if job is None:
            return DONE
        if not job["Stop"]:
            return needed("its job is registered")
        left = [a for a in context.nomad.state.allocations(context.target) if a.status == RUNNING]
        return needed(f"{len(left)} instances are still stopping") if left else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        if context.nomad.jobs.get(context.target):
            context.nomad.jobs.deregister(context.target)
        self.wait_until_done(context, deadline)


class ForgetWish(Step[OperationContext]):
    """From here on nothing is kept but its configuration, its secrets, and its catalogue entry."""

    name = "forget"
    title = "Forget the service"
    final = True

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        if read_wish(context.consul, context.target):
            return needed("it is still wished")
        return needed("Nomad knows its job") if context.nomad.jobs.get(context.target) else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        write_wish(context.records, context.target, None)
        if context.nomad.jobs.get(context.target):
            context.nomad.jobs.deregister(context.target, purge=True)


KIND = Undeploy(Catalogue())
