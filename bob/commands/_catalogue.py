"""Which services a command knows: Bob's own, the operator's folder, and those of the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bob.commands._cluster import load_context

if TYPE_CHECKING:
    from bob.catalogue import Catalogue, Service
    from bob.clients.consul import Consul
    from bob.context import Context

ServiceArgument = Annotated[str, typer.Argument(metavar="SERVICE", help="Its name.")]


def catalogue_of(consul: Consul | None, folder: Path | None = None) -> Catalogue:
    """Bob's own services with those in `folder`, else with those that the cluster keeps.

    Without a cluster (`consul` is None) it is what this machine knows.
    """
    from bob.ops.sense import stored_catalogue

    return catalogue_with(stored_catalogue(consul) if consul and folder is None else {}, folder)


def catalogue_with(stored: Mapping[str, str], folder: Path | None) -> Catalogue:
    """Bob's own services with those in `folder`, else with the texts that a cluster keeps."""
    from bob.catalogue import Catalogue
    from bob.catalogue.added import with_folder

    return with_folder(Catalogue(), folder) if folder else Catalogue().extended(stored)


def find_service(cluster: str | None, name: str) -> tuple[Context, Catalogue, Service]:
    """A service that the cluster knows, and where it was found. Raises `UsageError`."""
    context = load_context(cluster)
    catalogue = catalogue_of(context.consul())
    return context, catalogue, catalogue.service(name)


def brought_along(services: Iterable[Service], folder: Path | None) -> Mapping[str, object]:
    """The texts of those services that are in the operator's folder, by service."""
    from bob.catalogue.added import texts

    if folder is None:
        return {}
    return {
        service.name: texts(folder, service.name)
        for service in services
        if (folder / service.name).is_dir()
    }


def pulled(
    consul: Consul, services: Iterable[Service], registry: str | None, given: Mapping[str, str]
) -> dict[str, str]:
    """The image of each service that hosts pull, by service. Raises `UsageError`."""
    from bob.images.registry import Registry
    from bob.ops.deploy.references import references
    from bob.ops.services.wishes import read_wish

    services = tuple(services)
    known = {s.name: wish for s in services if s.pull and (wish := read_wish(consul, s.name))}
    return references(services, known, given, Registry(registry) if registry else None)
