"""How many instances of each service are healthy, by Nomad and by Consul. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bob.clients.consul import SERF_HEALTH, Check
from bob.clients.nomad import Allocation
from bob.status.snapshot import ConsulView, NomadView
from bob.status.view import ServiceStatus

SERVICE = "service"
# Nomad names a Consul service after the allocation it belongs to.
ALLOCATION_OF = re.compile(r"_nomad-task-([0-9a-f-]{36})-")


def services_of(nomad: NomadView | None, mgmt: ConsulView | None) -> tuple[ServiceStatus, ...]:
    """All running jobs of type service, ordered by name.

    An instance is healthy when Nomad runs it on a ready node, its deployment did not find it
    unhealthy, gossip sees its node, and no check of its Consul services fails.
    """
    if nomad is None:
        return ()
    checks = mgmt.checks if mgmt else ()
    failing = _failing_allocations(checks)
    dead = {c.node for c in checks if c.id == SERF_HEALTH and not c.passing}
    good = {n.id for n in nomad.nodes if n.ready and n.name not in dead}
    return tuple(
        ServiceStatus(
            name=job.name,
            desired=job.desired,
            healthy=sum(_healthy(a, good, failing) for a in job.allocations),
        )
        for job in sorted(nomad.jobs, key=lambda job: job.name)
        if job.type == SERVICE and not job.stopped
    )


def _healthy(allocation: Allocation, nodes: set[str], failing: set[str]) -> bool:
    return (
        allocation.running
        and allocation.healthy is not False
        and allocation.node_id in nodes
        and allocation.id not in failing
    )


def _failing_allocations(checks: Iterable[Check]) -> set[str]:
    return {
        match[1]
        for check in checks
        if not check.passing and (match := ALLOCATION_OF.match(check.service_id))
    }
