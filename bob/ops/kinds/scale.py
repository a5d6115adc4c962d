"""`bob scale`: more or fewer instances of a service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bob.catalogue import Catalogue
from bob.errors import PreflightRefused, UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.services.fit import may_hold
from bob.ops.services.steps import RecordWishes, RunJobs, Settle
from bob.ops.services.wishes import Wanted, parse_wish, read_wish
from bob.ops.step import Step
from bob.ops.view import ClusterView

LAST_INSTANCE = "last-instance"


class Scale(Kind):
    """The parameter `count` is how many instances there shall be."""

    name = "scale"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return (f"service/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        count, name = request.params.get("count"), request.target
        if not isinstance(count, int) or count < 0:
            raise UsageError(f"{count!r} is no number of instances", cure="Use 1, 2, 3, …")
        if name not in view.services:
            raise _unknown(self.catalogue, view, name)
        service = self.catalogue.service(name)
        if 0 < count < service.minimum:
            raise UsageError(
                f"{name} needs at least {service.minimum} instances, {count} were asked for",
                cure=f"Scale it to {service.minimum} or more, or stop it: bob undeploy {name}",
            )
        fit = may_hold(view, service.driver)
        if view.nomad_known and count > len(fit):
            raise PreflightRefused(
                f"{name} fits on {len(fit)} nodes ({', '.join(fit) or 'none'}), "
                f"{count} instances were asked for; each needs a node of its own",
                cure=f"Add nodes, bring nodes back to service, or scale it to {len(fit)} or fewer.",
            )

    def done(self, request: Request, view: ClusterView) -> str:
        """See `Kind.done`."""
        name, count = request.target, request.params.get("count")
        wish, job = view.services.get(name), view.jobs.get(name)
        if wish is None or job is None or job.stopped:
            return ""
        healthy = sum(a.running and a.healthy is not False for a in job.allocations)
        if parse_wish(wish).count == job.desired == count and healthy == count:
            return f"{name} has {count} instances already"
        return ""

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        """See `Kind.guards`."""
        if request.params.get("count") == 0:
            yield Guard(
                LAST_INSTANCE,
                f"without any instance {request.target} serves nobody",
                cure=f"To remove the service, use: bob undeploy {request.target}.",
            )

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        return (RecordWishes(_wishes), RunJobs(self.catalogue, _wishes), Settle(_wishes))


def _wishes(context: OperationContext) -> Mapping[str, Wanted]:
    """The same service with another count. Without a wish there is nothing left to scale."""
    known = read_wish(context.consul, context.target)
    if known is None:
        return {}
    count = context.request.params["count"]
    return {context.target: known.wanted.model_copy(update={"count": count})}


def _unknown(catalogue: Catalogue, view: ClusterView, name: str) -> UsageError:
    if name in catalogue.names():
        return UsageError(f"{name} is not deployed", cure=f"Deploy it first: bob deploy {name}")
    known = ", ".join(sorted(view.services)) or "none"
    return UsageError(f"there is no service {name!r}", cure=f"Deployed are: {known}.")


KIND = Scale(Catalogue())
