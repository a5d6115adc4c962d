"""What deploying a service would change, on the hosts and in Nomad. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bob.catalogue import Catalogue, Image, Service, build_image, render
from bob.clients.fleet import Fleet
from bob.clients.nomad import Nomad, Plan
from bob.clients.nomad.jobs import Job
from bob.errors import BobError, PreflightRefused, Temporary
from bob.ops.deploy import changes
from bob.ops.deploy.hosts import Lack, look


@dataclass(frozen=True)
class Item:
    """One service: its job as it should be, and what Nomad would do about it."""

    service: Service
    job: Job
    plan: Plan


@dataclass(frozen=True)
class Intent:
    """Services in the order of deployment, what each host lacks, and hosts that do not answer."""

    items: tuple[Item, ...]
    lacks: Mapping[str, Lack]
    silent: Mapping[str, BobError]

    def lines(self) -> tuple[str, ...]:
        """Everything that would change, one line each; none: there is nothing to do."""
        hosts = (line for name, lack in sorted(self.lacks.items()) for line in lack.lines(name))
        jobs = (
            f"{item.service.name}: {line}"
            for item in self.items
            for line in changes.describe(item.plan)
        )
        return (*hosts, *jobs)


def intend(catalogue: Catalogue, name: str, nomad: Nomad, fleet: Fleet) -> Intent:
    """Look at the hosts and let Nomad plan the service and what it depends on.

    A host that does not answer is left out: it gets what it lacks at the next deployment. Raises
    `PreflightRefused` when Nomad has no host for an instance, or no host answers.
    """
    services = catalogue.in_order(name)
    images = {s.name: build_image(s.image, catalogue.files(s.name, "image"))
              for s in services if s.image}  # fmt: skip
    lacks, silent = _look(fleet, services, tuple(images.values()))
    items = tuple(
        _item(catalogue, service, images.get(service.name), nomad) for service in services
    )
    if not any(lack.packages for lack in lacks.values()):
        # A host that gets a program only now is not yet a place for Nomad.
        refuse_unplaced(items)
    return Intent(items, lacks, silent)


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


def _look(
    fleet: Fleet, services: tuple[Service, ...], images: tuple[Image, ...]
) -> tuple[dict[str, Lack], dict[str, BobError]]:
    packages = tuple(dict.fromkeys(p for service in services for p in service.packages))
    found, errors = fleet.attempt(lambda host: look(host, packages, images))
    for error in errors.values():
        if not isinstance(error, Temporary):
            raise error
    if not found:
        raise PreflightRefused(
            "no host answers by SSH:\n  " + "\n  ".join(map(str, errors.values())),
            cure="Check that this machine reaches the mgmt network.",
        )
    return {name: lack for name, lack in found.items() if lack}, errors


def _item(catalogue: Catalogue, service: Service, image: Image | None, nomad: Nomad) -> Item:
    text = render(catalogue, service, image.name if image else None)
    job = nomad.jobs.parse(text)
    return Item(service, job, nomad.jobs.plan(job))
