"""The services of the catalogue and what runs of them, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bob.catalogue import Catalogue, Service
from bob.clients.consul import Check
from bob.ops.services.wishes import ServiceWish, parse_wish
from bob.ops.view import ClusterView
from bob.status.instances import healthy_instances

OWN, ADDED, GONE = "bob", "operator", "nobody"  # who brought a service along


def overview(
    catalogue: Catalogue, view: ClusterView, checks: Iterable[Check]
) -> list[dict[str, Any]]:
    """One row for each service that is in the catalogue or deployed, by name."""
    names = sorted({*catalogue.names(), *view.services})
    checks = tuple(checks)
    return [row(catalogue, view, checks, name) for name in names]


def row(
    catalogue: Catalogue, view: ClusterView, checks: Iterable[Check], name: str
) -> dict[str, Any]:
    """`checks` are all of Consul's. `instances` is None for a service that is not deployed.

    `generation` is the configuration that is rolled out, `newest_generation` the one written last:
    they differ for a service that is pinned, or that takes live parameters over by itself.
    """
    service = catalogue.service(name) if name in catalogue.names() else None
    document = view.services.get(name)
    wish = parse_wish(document) if document else None
    job = view.jobs.get(name)
    healthy = healthy_instances(job, view.nodes.values(), checks) if job else 0
    return {
        "name": name,
        "title": service.title if service else "no longer in the catalogue",
        "driver": service.driver if service else "",
        "from": _origin(catalogue, view, name),
        "deployed": wish is not None,
        "instances": {"wanted": wish.count, "healthy": healthy} if wish else None,
        "count": _rule(service, wish),
        "generation": wish.generation if wish else None,
        "newest_generation": view.generations.get(name, 0),
        "image": wish.image if wish else None,
        "nodes": _nodes(view, name),
    }


def _origin(catalogue: Catalogue, view: ClusterView, name: str) -> str:
    if f"{name}/service.yaml" in view.catalogue:
        return ADDED
    return OWN if name in catalogue.names() else GONE


def _rule(service: Service | None, wish: ServiceWish | None) -> str:
    if wish and wish.scaled:
        return f"{wish.count} (settled by an operator)"
    return str(service.count) if service else ""


def _nodes(view: ClusterView, name: str) -> list[str]:
    job = view.jobs.get(name)
    names = {node.id: node.name for node in view.nodes.values()}
    found = {names.get(a.node_id, a.node_id) for a in job.allocations if a.running} if job else ()
    return sorted(found)
