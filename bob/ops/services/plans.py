"""What a deployment of services would change in Nomad, without one: no host is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from bob.catalogue import Catalogue
from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.errors import BobError
from bob.ops.configuration.store import settings_of
from bob.ops.deploy import changes
from bob.ops.services.jobs import draft
from bob.ops.services.places import Places, places_of
from bob.ops.services.wanted import wanted_services
from bob.ops.services.wishes import ServiceWish, Wanted, parse_wish
from bob.ops.view import ClusterView

AT_ONCE = 4  # each plan is some requests, and waits for the answers
UNKNOWN_TAG = "unknown"  # of an image that nobody named yet: it does not matter for the plan


@dataclass(frozen=True)
class ServicePlan:
    """`changes` of the job, and why instances have no place; `error`: it cannot be planned."""

    service: str
    changes: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()
    error: str = ""


def plan_services(
    nomad: Nomad, consul: Consul, catalogue: Catalogue, names: Iterable[str], view: ClusterView
) -> tuple[ServicePlan, ...]:
    """The plan of each service as it would be deployed now, not of what it depends on.

    Wishes are those of the view: what it shows is not asked for again.
    """
    wishes = {name: parse_wish(document) for name, document in view.services.items()}
    places = cache(lambda: places_of(view))

    def wanted(name: str) -> Wanted | BobError:
        try:
            return _wanted(catalogue, name, wishes, view.generations, places)
        except BobError as error:
            return error

    def planned(name: str, found: Wanted | BobError) -> ServicePlan:
        try:
            if isinstance(found, BobError):
                raise found
            settings = settings_of(consul, name, found.generation)
            plan = draft(nomad, catalogue, name, found, settings=settings).plan
        except BobError as error:
            return ServicePlan(name, error=error.message)
        return ServicePlan(name, changes.describe(plan), changes.unplaced(plan))

    names = tuple(names)
    # First what only computes: threads would do it side by side, each for itself.
    everything = [wanted(name) for name in names]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(pool.map(planned, names, everything))


def _wanted(
    catalogue: Catalogue,
    name: str,
    wishes: Mapping[str, ServiceWish],
    generations: Mapping[str, int],
    places: Callable[[], Places],
) -> Wanted:
    """What a deployment would wish of a service."""
    images = {
        s.name: f"{s.image or s.pull}:{UNKNOWN_TAG}"
        for s in catalogue.in_order(name)
        if (s.image or s.pull) and not (s.name in wishes and wishes[s.name].image)
    }
    newest = {name: generations.get(name, 0)}
    return wanted_services(catalogue, [name], images, wishes, places, newest)[name]
