"""What deploying a service would change, on the hosts and in Nomad. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from bob.catalogue import Catalogue, Service, build_image
from bob.clients.consul import Consul
from bob.clients.fleet import Fleet
from bob.clients.nomad import Nomad, Plan
from bob.clients.nomad.jobs import Job
from bob.clients.ssh import Host
from bob.errors import BobError, PreflightRefused, Temporary
from bob.ops.configuration.store import newest_number, settings_of
from bob.ops.deploy import changes
from bob.ops.deploy.hosts import Lack, look
from bob.ops.sense import sense
from bob.ops.services.jobs import draft
from bob.ops.services.places import places_of
from bob.ops.services.wanted import wanted_services
from bob.ops.services.wishes import Wanted, read_wish
from inventory import NetworkName


@dataclass(frozen=True)
class Item:
    """One service: what is wanted of it, its job, and what Nomad would do about it."""

    service: Service
    wanted: Wanted
    job: Job
    plan: Plan


@dataclass(frozen=True)
class Intent:
    """Services in the order of deployment, what each host lacks, and hosts that do not answer.

    `images` is the name of each image by the service that runs it.
    """

    items: tuple[Item, ...]
    lacks: Mapping[str, Lack]
    silent: Mapping[str, BobError]
    images: Mapping[str, str]

    def lines(self) -> tuple[str, ...]:
        """Everything that would change, one line each; none: there is nothing to do."""
        hosts = (line for name, lack in sorted(self.lacks.items()) for line in lack.lines(name))
        jobs = (
            f"{item.service.name}: {line}"
            for item in self.items
            for line in changes.describe(item.plan)
        )
        return (*hosts, *jobs)


def intend(
    catalogue: Catalogue,
    wishes: tuple[str, ...],
    nomad: Nomad,
    consul: Consul,
    fleet: Fleet,
    pulled: Mapping[str, str] | None = None,
) -> Intent:
    """Look at the hosts and let Nomad plan these services and what they depend on.

    `pulled` has the image of each service that hosts pull. A host that does not answer is left
    out: it gets what it lacks at the next deployment. Raises `PreflightRefused` when Nomad has no
    host for an instance, or no host answers.
    """
    services = catalogue.in_order(*wishes)
    images = {s.name: build_image(s.image, catalogue.files(s.name, "image"))
              for s in services if s.image}  # fmt: skip
    packages = tuple(dict.fromkeys(p for service in services for p in service.packages))
    lacks, silent = _look(fleet, lambda host: look(host, packages, images.values()))
    names = {service: image.name for service, image in images.items()} | dict(pulled or {})
    known = {s.name: wish for s in services if (wish := read_wish(consul, s.name))}
    newest = {service.name: newest_number(consul, service.name) for service in services}
    wanted = wanted_services(
        catalogue, wishes, names, known,
        cache(lambda: places_of(sense({NetworkName.MGMT: consul}, nomad))), newest,
    )  # fmt: skip
    items = tuple(_item(catalogue, s, wanted[s.name], nomad, consul) for s in services)
    if not any(lack.packages for lack in lacks.values()):
        # A host that gets a program only now is not yet a place for Nomad.
        refuse_unplaced(items)
    return Intent(items, lacks, silent, names)


def refuse_unplaced(items: tuple[Item, ...]) -> None:
    """Raise `PreflightRefused` with Nomad's reasons when some instance has no host."""
    reasons = [
        f"{item.service.name}: {reason}" for item in items for reason in changes.unplaced(item.plan)
    ]
    if reasons:
        raise PreflightRefused(
            "the cluster has no place for it; no job was changed:\n  " + "\n  ".join(reasons),
            cure="Add nodes, or bring back those that are down (bob status).",
        )


def _look(fleet: Fleet, ask: Callable[[Host], Lack]) -> tuple[dict[str, Lack], dict[str, BobError]]:
    found, errors = fleet.attempt(ask)
    for error in errors.values():
        if not isinstance(error, Temporary):
            raise error
    if not found:
        raise PreflightRefused(
            "no host answers by SSH:\n  " + "\n  ".join(map(str, errors.values())),
            cure="Check that this machine reaches the mgmt network.",
        )
    return {name: lack for name, lack in found.items() if lack}, errors


def _item(
    catalogue: Catalogue, service: Service, wanted: Wanted, nomad: Nomad, consul: Consul
) -> Item:
    settings = settings_of(consul, service.name, wanted.generation)
    made = draft(nomad, catalogue, service.name, wanted, settings=settings)
    return Item(service, wanted, made.job, made.plan)
