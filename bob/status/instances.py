"""Which instances of a job are healthy, by Nomad and by Consul. Pure; needs no large library."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bob.clients.consul import SERF_HEALTH, Check
from bob.clients.nomad import JobState, Node

# A service with this tag is a role, like the master's: one instance passes, the others are well.
ROLE_TAG = "role"
# Nomad names a Consul service after the allocation it belongs to.
ALLOCATION_OF = re.compile(r"_nomad-task-([0-9a-f-]{36})-")


def healthy_instances(job: JobState, nodes: Iterable[Node], checks: Iterable[Check]) -> int:
    """How many allocations of the job are healthy.

    One is when Nomad runs it on a ready node, gossip sees its node, and no check of its Consul
    services fails but of a role (`ROLE_TAG`). The verdict of its deployment stands where no check
    says more: Nomad never takes it back from an instance that was late, like one that had to wait
    for a database.
    """
    checks = tuple(checks)
    own = [check for check in checks if ROLE_TAG not in check.service_tags]
    checked = {allocation_of(check) for check in own}
    failing = {allocation_of(check) for check in own if not check.passing}
    dead = {c.node for c in checks if c.id == SERF_HEALTH and not c.passing}
    good = {node.id for node in nodes if node.ready and node.name not in dead}
    return sum(
        allocation.running
        and (allocation.healthy is not False or allocation.id in checked)
        and allocation.node_id in good
        and allocation.id not in failing
        for allocation in job.allocations
    )


def allocation_of(check: Check) -> str:
    """Id of the allocation that a check belongs to, or ""."""
    match = ALLOCATION_OF.match(check.service_id)
    return match[1] if match else ""
