"""What a deployment wants of a service and of each one it depends on. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bob.catalogue import Catalogue
from bob.ops.services.jobs import definition
from bob.ops.services.wishes import ServiceWish, Wanted


def wanted_services(
    catalogue: Catalogue,
    name: str,
    images: Mapping[str, str],
    known: Mapping[str, ServiceWish],
) -> dict[str, Wanted]:
    """By name, what is needed first coming first.

    An image that is not named stays what it was; so does the number of instances, which only
    `scale` changes.
    """
    found = {}
    for service in catalogue.in_order(name):
        before = known.get(service.name)
        image = None
        if service.image:
            image = images.get(service.name) or (before.image if before else None)
        found[service.name] = Wanted(
            count=before.count if before else service.count,
            image=image,
            definition=definition(catalogue, service.name, image),
        )
    return found
