"""Which image a host pulls for a service: a full name that never means another one later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from bob.catalogue import Service
from bob.errors import UsageError
from bob.ops.services.wishes import ServiceWish

NAMESPACE = "bob"  # first part of the names in a registry that Bob's own images were sent to


class Registry(Protocol):
    """What is asked of a registry."""

    @property
    def name(self) -> str:
        """As hosts call it: "10.101.0.254:5000"."""

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository; none when it does not exist."""

    def digest(self, repository: str, tag: str) -> str | None:
        """What a tag means now."""


def references(
    services: Iterable[Service],
    known: Mapping[str, ServiceWish],
    given: Mapping[str, str],
    registry: Registry | None,
) -> dict[str, str]:
    """The image of each service that hosts pull, by service.

    What was `given` comes first, then what the registry has, then what the service runs already.
    Raises `UsageError` with all services for which nobody knows one.
    """
    found: dict[str, str] = {}
    missing: list[str] = []
    for service in services:
        if service.pull is None:
            continue
        before = known.get(service.name)
        image = given.get(service.name)
        if image is None and registry is not None:
            image = _newest(registry, f"{NAMESPACE}/{service.pull}")
        image = image or (before.image if before else None)
        if image is None:
            missing.append(f"{service.name} ({service.pull})")
        else:
            found[service.name] = image
    if missing:
        where = f"the registry {registry.name} has" if registry else "nobody said where to find"
        raise UsageError(
            f"{where} no image for {', '.join(missing)}",
            cure="Send them with `bob images push` and name the registry with --registry, "
            "or name each image with --image SERVICE=REFERENCE.",
        )
    return found


def parse_images(texts: Iterable[str]) -> dict[str, str]:
    """Options like "keystone=quay.io/openstack.kolla/keystone:2023.1". Raises `UsageError`."""
    found = {}
    for text in texts:
        service, equals, image = text.partition("=")
        if not equals or not service or not image or image.split() != [image]:
            raise UsageError(
                f"--image {text!r} names no image", cure="Use SERVICE=REGISTRY/NAME:TAG."
            )
        found[service] = image
    return found


def _newest(registry: Registry, repository: str) -> str | None:
    """By digest: a tag may mean another image when an instance starts elsewhere later."""
    tags = registry.tags(repository)
    if not tags:
        return None
    digest = registry.digest(repository, max(tags))
    return f"{registry.name}/{repository}@{digest}" if digest else None
