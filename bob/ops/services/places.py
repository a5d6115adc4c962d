"""Where instances may run and how many there are, by what the catalogue says. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bob.catalogue import CountRule, Service, instances
from bob.ops.services.fit import may_hold
from bob.ops.services.wishes import Wanted
from bob.ops.view import LEAVING, MEMBER, ClusterView


@dataclass(frozen=True)
class Places:
    """The nodes of a cluster for services.

    `zones` has the zone of each node, but for those that leave: data on them is still there, also
    when they are down. `members` are those that count for the size of the cluster; `open` has the
    task drivers of those that may get an instance now; `running` the nodes of each service.
    """

    zones: Mapping[str, str]
    members: frozenset[str]
    open: Mapping[str, frozenset[str]]
    running: Mapping[str, frozenset[str]]


def places_of(view: ClusterView) -> Places:
    """As a view shows them. Where a service stays counts as running it, also when it is down."""
    names = {node.id: name for name, node in view.nodes.items()}
    running = {
        job.id: frozenset(
            names[a.node_id] for a in job.allocations if a.running and a.node_id in names
        )
        for job in view.jobs.values()
    }
    for name, document in view.services.items():
        if nodes := Wanted.model_validate(document).nodes:
            running[name] = frozenset(nodes)
    return Places(
        zones={name: wish.zone for name, wish in view.wishes.items() if wish.state != LEAVING},
        members=frozenset(n for n, wish in view.wishes.items() if wish.state == MEMBER),
        open={name: view.nodes[name].drivers for name in may_hold(view)},
        running=running,
    )


def needs_places(service: Service) -> bool:
    """The catalogue says something about the service for which the nodes must be known."""
    rule = isinstance(service.count, CountRule)
    return (
        rule
        or service.stays
        or bool((*service.colocation, *service.affinity, *service.anti_affinity))
    )


def count_of(service: Service, places: Places, before: Wanted | None) -> int:
    """Instances: what an operator settled, else what the rule says. A fixed number stays."""
    if before and (before.scaled or isinstance(service.count, int)):
        return before.count
    if isinstance(service.count, CountRule) and service.count.per_node is not None:
        return instances(service.count, len(_fit(service, places)))
    return instances(service.count, len(places.members))


def placed(service: Service, wanted: Wanted, places: Places, before: Wanted | None) -> Wanted:
    """The wish with nodes. What was chosen before is kept: data is there, and nothing moves.

    A service beside another one follows it, but not while that is short of instances: it may just
    be replacing one.
    """
    near = before.near if before else _running(service.affinity, places)
    far = before.far if before else _running(service.anti_affinity, places)
    allowed = [
        name
        for name in _fit(service, places)
        if all(name in places.running.get(other, ()) for other in service.colocation)
    ]
    nodes: tuple[str, ...] = ()
    if service.stays:
        kept = tuple(n for n in (before.nodes if before else ()) if n in places.zones)
        nodes = choose(wanted.count, kept, allowed, places.zones, near, far)
    elif service.colocation:
        enough = len(allowed) >= wanted.count
        nodes = tuple(sorted(allowed)) if enough or not before else before.nodes
    return wanted.model_copy(update={"nodes": nodes, "near": near, "far": far})


def choose(
    count: int,
    kept: tuple[str, ...],
    allowed: Iterable[str],
    zones: Mapping[str, str],
    near: Iterable[str] = (),
    far: Iterable[str] = (),
) -> tuple[str, ...]:
    """`kept` and as many more as are needed: other zones first, then near, not far, by name."""
    chosen, sought, avoided = list(kept), frozenset(near), frozenset(far)
    free = [name for name in allowed if name not in chosen]
    while len(chosen) < count and free:
        used = Counter(zones[name] for name in chosen if name in zones)
        best = min(free, key=lambda n: (used[zones[n]], n in avoided, n not in sought, n))
        free.remove(best)
        chosen.append(best)
    return tuple(chosen)


def _fit(service: Service, places: Places) -> list[str]:
    """Nodes whose drivers are not known are good enough."""
    return [n for n, drivers in places.open.items() if not drivers or service.driver in drivers]


def _running(services: Iterable[str], places: Places) -> tuple[str, ...]:
    return tuple(sorted({node for name in services for node in places.running.get(name, ())}))
