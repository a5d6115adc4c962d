"""`bob deploy`: services of the catalogue with all they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from bob.catalogue import Catalogue
from bob.errors import UsageError
from bob.ops.configuration.store import newest_number
from bob.ops.context import OperationContext
from bob.ops.kind import Kind, Request
from bob.ops.services.places import places_of
from bob.ops.services.steps import RecordWishes, RunJobs, Settle, WishesOf
from bob.ops.services.stored import StoreFiles, catalogue_in
from bob.ops.services.wanted import wanted_services
from bob.ops.services.wishes import Wanted, parse_wish, read_wish
from bob.ops.step import Step
from bob.ops.view import ClusterView


class Deploy(Kind):
    """The target names the services, with a blank between two.

    The parameter `images` has the name of each image ("name:tag") that is on the hosts.

    `catalogue` has the texts of services that the operator brings along: by service, then by path.
    """

    name = "deploy"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        """The services and everything that is deployed with them."""
        known = self._catalogue(request, view.catalogue)
        names = [service.name for service in known.in_order(*_services(request))]
        return tuple(f"service/{name}" for name in reversed(names))

    def check(self, request: Request, view: ClusterView) -> None:
        """See `Kind.check`."""
        images = _images(request)
        for service in self._catalogue(request, view.catalogue).in_order(*_services(request)):
            known = view.services.get(service.name)
            has_image = service.image or service.pull
            if has_image and not (images.get(service.name) or (known and known.get("image"))):
                raise UsageError(
                    f"nobody said which image {service.name} runs",
                    cure=f"Deploy it with: bob deploy {request.target}",
                )

    def done(self, request: Request, view: ClusterView) -> str:
        """See `Kind.done`."""
        catalogue = self._catalogue(request, view.catalogue)
        if not {*_services(request)} <= {*catalogue.names()} or not _kept(request, view):
            return ""
        known = {name: parse_wish(document) for name, document in view.services.items()}
        for name, wanted in wanted_services(
            catalogue, _services(request), _images(request), known, lambda: places_of(view),
            view.generations,
        ).items():  # fmt: skip
            wish, job = known.get(name), view.jobs.get(name)
            if wish is None or wish.wanted != wanted or wish.job_version is None:
                return ""
            if job is None or job.stopped or job.version != wish.job_version:
                return ""
            if sum(a.running and a.healthy is not False for a in job.allocations) != job.desired:
                return ""
        return f"{request.target} {'is' if len(_services(request)) == 1 else 'are'} deployed"

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        """See `Kind.steps`."""
        wishes = self._wishes_of(request)
        files = _files(request)
        first = (StoreFiles(lambda _: files),) if files else ()
        return (*first, RecordWishes(wishes), RunJobs(self.catalogue, wishes), Settle(wishes))

    def _catalogue(self, request: Request, stored: Mapping[str, str]) -> Catalogue:
        brought = {path: text for files in _files(request).values() for path, text in files.items()}
        return self.catalogue.extended({**stored, **brought})

    def _wishes_of(self, request: Request) -> WishesOf:
        def wishes(context: OperationContext) -> Mapping[str, Wanted]:
            catalogue = catalogue_in(context, self.catalogue)
            names = [service.name for service in catalogue.in_order(*_services(request))]
            known = {name: read_wish(context.consul, name) for name in names}
            wanted = wanted_services(
                catalogue,
                _services(request),
                _images(request),
                {name: wish for name, wish in known.items() if wish},
                cache(lambda: places_of(context.view())),
                {name: newest_number(context.consul, name) for name in names},
            )
            # What this operation wished already holds, though nodes come and go meanwhile.
            return {
                name: wish.wanted
                if (wish := known[name]) and wish.operation == context.operation.id
                else each
                for name, each in wanted.items()
            }

        return wishes


def _kept(request: Request, view: ClusterView) -> bool:
    """What the operator brings along is in Consul already."""
    return all(
        files == {p: t for p, t in view.catalogue.items() if p.startswith(f"{name}/")}
        for name, files in _files(request).items()
    )


def _services(request: Request) -> list[str]:
    return request.target.split()


def _images(request: Request) -> Mapping[str, str]:
    found: Mapping[str, str] = request.params.get("images") or {}
    return found


def _files(request: Request) -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = request.params.get("catalogue") or {}
    return found


KIND = Deploy(Catalogue())
