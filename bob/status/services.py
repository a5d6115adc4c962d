"""How many instances of each service are healthy, by Nomad and by Consul. Pure."""

from __future__ import annotations

from bob.status.instances import healthy_instances
from bob.status.snapshot import ConsulView, NomadView
from bob.status.view import ServiceStatus

SERVICE = "service"


def services_of(nomad: NomadView | None, mgmt: ConsulView | None) -> tuple[ServiceStatus, ...]:
    """All running jobs of type service, ordered by name; see `healthy_instances`."""
    if nomad is None:
        return ()
    checks = mgmt.checks if mgmt else ()
    return tuple(
        ServiceStatus(
            name=job.name,
            desired=job.desired,
            healthy=healthy_instances(job, nomad.nodes, checks),
        )
        for job in sorted(nomad.jobs, key=lambda job: job.name)
        if job.type == SERVICE and not job.stopped
    )
