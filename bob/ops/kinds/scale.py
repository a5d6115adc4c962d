"""`bob scale`: more or fewer instances of a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from bob.catalogue import Catalogue, CountRule
from bob.errors import PreflightRefused, UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.sense import stored_catalogue
from bob.ops.services.deployed import refuse_unknown
from bob.ops.services.fit import may_hold
from bob.ops.services.places import Places, count_of, needs_places, placed, places_of
from bob.ops.services.steps import RecordWishes, RunJobs, Settle, WishesOf
from bob.ops.services.wanted import NOWHERE
from bob.ops.services.wishes import ServiceWish, Wanted, parse_wish, read_wish
from bob.ops.step import Step
from bob.ops.view import ClusterView

LAST_INSTANCE = "last-instance"


AUTO = "auto"


class Scale(Kind):
    """The parameter `count` is how many instances there shall be, or "auto": what the rule says."""

    name = "scale"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """See `Kind.scopes`."""
        return (f"service/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        count, name = request.params.get("count"), request.target
        if count != AUTO and (not isinstance(count, int) or count < 0):
            raise UsageError(f"{count!r} is no number of instances", cure="Use 1, 2, 3, …")
        catalogue = self.catalogue.extended(view.catalogue)
        refuse_unknown(catalogue, view, name)
        service = catalogue.service(name)
        if not isinstance(count, int):
            return
        if isinstance(service.count, CountRule) and service.count.per_node:
            raise UsageError(
                f"{name} runs on each node", cure="Its number follows the number of nodes."
            )
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
        name = request.target
        wish, job = view.services.get(name), view.jobs.get(name)
        if wish is None or job is None or job.stopped:
            return ""
        known = parse_wish(wish)
        count = self._wanted(request, known, lambda: places_of(view), view.catalogue).count
        if known.scaled == (request.params.get("count") == AUTO):
            return ""
        healthy = sum(a.running and a.healthy is not False for a in job.allocations)
        if known.count == job.desired == count and healthy == count:
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
        wishes = self._wishes_of(request)
        return (RecordWishes(wishes), RunJobs(self.catalogue, wishes), Settle(wishes))

    def _wishes_of(self, request: Request) -> WishesOf:
        def wishes(context: OperationContext) -> Mapping[str, Wanted]:
            """The same service with another count. Without a wish there is nothing to scale."""
            known = read_wish(context.consul, request.target)
            if known is None or known.operation == context.operation.id:
                return {request.target: known.wanted} if known else {}
            look = cache(lambda: places_of(context.view()))
            stored = stored_catalogue(context.consul)
            return {request.target: self._wanted(request, known, look, stored)}

        return wishes

    def _wanted(
        self,
        request: Request,
        known: ServiceWish,
        look: Callable[[], Places],
        stored: Mapping[str, str],
    ) -> Wanted:
        catalogue = self.catalogue.extended(stored)
        count = request.params["count"]
        if request.target not in catalogue.names():
            return known.wanted.model_copy(update={"count": count, "scaled": True})
        service = catalogue.service(request.target)
        places = look() if needs_places(service) else NOWHERE
        if count == AUTO:
            free = known.wanted.model_copy(update={"scaled": False})
            fixed = isinstance(service.count, int)
            number = service.count if fixed else count_of(service, places, free)
            wanted = free.model_copy(update={"count": number})
        else:
            wanted = known.wanted.model_copy(update={"count": count, "scaled": True})
        return placed(service, wanted, places, known) if needs_places(service) else wanted


KIND = Scale(Catalogue())
