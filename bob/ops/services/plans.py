"""What a deployment of services would change in Nomad, without one: no host is asked."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from bob.catalogue import Catalogue
from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.errors import BobError
from bob.ops.configuration.store import newest_number, settings_of
from bob.ops.deploy import changes
from bob.ops.services.jobs import draft
from bob.ops.services.places import places_of
from bob.ops.services.wanted import wanted_services
from bob.ops.services.wishes import read_wish
from bob.ops.view import ClusterView

AT_ONCE = 8  # each plan is some requests, and waits for the answers
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
    """The plan of each service as it would be deployed now, not of what it depends on."""
    places = cache(lambda: places_of(view))

    def planned(name: str) -> ServicePlan:
        try:
            services = catalogue.in_order(name)
            known = {s.name: wish for s in services if (wish := read_wish(consul, s.name))}
            images = {
                s.name: f"{s.image or s.pull}:{UNKNOWN_TAG}"
                for s in services
                if (s.image or s.pull) and not (s.name in known and known[s.name].image)
            }
            newest = {name: newest_number(consul, name)}
            wanted = wanted_services(catalogue, [name], images, known, places, newest)[name]
            settings = settings_of(consul, name, wanted.generation)
            plan = draft(nomad, catalogue, name, wanted, settings=settings).plan
        except BobError as error:
            return ServicePlan(name, error=error.message)
        return ServicePlan(name, changes.describe(plan), changes.unplaced(plan))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return tuple(pool.map(planned, names))
