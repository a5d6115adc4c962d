"""`bob deploy`: a service of the catalogue with all it depends on."""

from __future__ import annotations

from collections.abc import Mapping

from bob.catalogue import Catalogue
from bob.errors import UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.services.steps import RecordWishes, RunJobs, Settle, WishesOf
from bob.ops.services.wanted import wanted_services
from bob.ops.services.wishes import Wanted, parse_wish, read_wish
from bob.ops.step import Step
from bob.ops.view import ClusterView


class Deploy(Kind):
    """The parameter `images` has the name of each image ("name:tag") that is on the hosts."""

    name = "deploy"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """The service and everything that is deployed with it."""
        names = [service.name for service in self.catalogue.in_order(request.target)]
        return tuple(f"service/{name}" for name in reversed(names))

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        images = _images(request)
        for service in self.catalogue.in_order(request.target):
            known = view.services.get(service.name)
            if service.image and not (images.get(service.name) or (known and known.get("image"))):
                raise UsageError(
                    f"nobody said which image {service.name} runs",
                    cure=f"Deploy it with: bob deploy {request.target}",
                )

    def done(self, request: Request, view: ClusterView) -> str:
        """See `Kind.done`."""
        if request.target not in self.catalogue.names():
            return ""
        known = {name: parse_wish(document) for name, document in view.services.items()}
        for name, wanted in wanted_services(
            self.catalogue, request.target, _images(request), known
        ).items():
            wish, job = known.get(name), view.jobs.get(name)
            if wish is None or wish.wanted != wanted or wish.job_version is None:
                return ""
            if job is None or job.stopped or job.version != wish.job_version:
                return ""
            if sum(a.running and a.healthy is not False for a in job.allocations) != job.desired:
                return ""
        return f"{request.target} is deployed"

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        wishes = self._wishes_of(request)
        return (RecordWishes(wishes), RunJobs(self.catalogue, wishes), Settle(wishes))

    def _wishes_of(self, request: Request) -> WishesOf:
        def wishes(context: OperationContext) -> Mapping[str, Wanted]:
            names = [service.name for service in self.catalogue.in_order(request.target)]
            known = {name: read_wish(context.consul, name) for name in names}
            return wanted_services(
                self.catalogue,
                request.target,
                _images(request),
                {name: wish for name, wish in known.items() if wish},
            )

        return wishes


def _images(request: Request) -> Mapping[str, str]:
    found: Mapping[str, str] = request.params.get("images") or {}
    return found


KIND = Deploy(Catalogue())
