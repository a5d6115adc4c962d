"""What a deployment wants of a service and of each one it depends on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from bob.catalogue import Catalogue
from bob.ops.services.jobs import definition
from bob.ops.services.places import Places, count_of, needs_places, placed
from bob.ops.services.wishes import ServiceWish, Wanted

NOWHERE = Places({}, frozenset(), {}, {})


def wanted_services(
    catalogue: Catalogue,
    names: Iterable[str],
    images: Mapping[str, str],
    known: Mapping[str, ServiceWish],
    places: Callable[[], Places] = lambda: NOWHERE,
    generations: Mapping[str, int] | None = None,
) -> dict[str, Wanted]:
    """Of these services and what they depend on, by name, what is needed first coming first.

    An image that is not named stays what it was. `places` is asked only when a service needs it.
    `generations` is the newest configuration of each service: a deployment takes it over.
    """
    newest = generations or {}
    found: dict[str, Wanted] = {}
    for service in catalogue.in_order(*names):
        before = known.get(service.name)
        image = None
        if service.image or service.pull:
            image = images.get(service.name) or (before.image if before else None)
        nodes = places() if needs_places(service) else NOWHERE
        wanted = Wanted(
            count=count_of(service, nodes, before),
            image=image,
            definition=definition(catalogue, service.name, image),
            scaled=before.scaled if before else False,
            generation=newest.get(service.name, before.generation if before else 0),
            restarts=before.restarts if before else 0,
        )
        if needs_places(service):
            nodes = _with(nodes, found)
            wanted = placed(service, wanted, nodes, before)
        found[service.name] = wanted
    return found


def _with(places: Places, wanted: Mapping[str, Wanted]) -> Places:
    """Services of the same deployment count as running where they are going to stay."""
    coming = {name: frozenset(each.nodes) for name, each in wanted.items() if each.nodes}
    return replace(places, running={**places.running, **coming})
