"""Which nodes may hold an instance. Pure."""

from __future__ import annotations

from collections.abc import Collection

from bob.clients.nomad import JobState, Node
from bob.ops.view import MEMBER, ClusterView


def may_hold(view: ClusterView, driver: str | None = None) -> tuple[str, ...]:
    """Names of the nodes that may get an instance now, in the order of the inventory.

    `driver` is the task driver it needs; None: unknown, then any node is good enough.
    """
    return tuple(
        node.name
        for node in view.cluster.nodes
        if node.name in view.nodes
        and node.name in view.wishes
        and view.wishes[node.name].state == MEMBER
        and _open(view.nodes[node.name], driver)
    )


def instances_on(view: ClusterView, node: str) -> dict[str, int]:
    """Running instances on a node of each job that could run elsewhere, by the job's id."""
    if node not in view.nodes:
        return {}
    here = view.nodes[node].id
    found = {
        job.id: sum(a.running and a.node_id == here for a in job.allocations)
        for job in view.jobs.values()
        if job.type in ("service", "batch") and not job.stopped
    }
    return {name: count for name, count in found.items() if count}


def instances_elsewhere(view: ClusterView, job: JobState, node: str) -> int:
    """Running instances of a job on nodes that are ready, but for one."""
    ready = {each.id for each in view.nodes.values() if each.ready and each.name != node}
    return sum(a.running and a.node_id in ready for a in job.allocations)


def short(view: ClusterView, jobs: Collection[str]) -> tuple[str, ...]:
    """Which of these jobs have fewer running instances than they could have, in words."""
    room = len(may_hold(view))
    return tuple(
        f"{name} has {running} of {view.jobs[name].desired} instances"
        for name in sorted(jobs)
        if name in view.jobs
        and not view.jobs[name].stopped
        and (running := sum(a.running for a in view.jobs[name].allocations))
        < min(view.jobs[name].desired, room)
    )


def _open(node: Node, driver: str | None) -> bool:
    works = driver is None or not node.drivers or driver in node.drivers
    return node.ready and node.eligible and not node.draining and works
