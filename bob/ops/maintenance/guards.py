"""What would be at risk while a node is out of service. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bob.catalogue import Catalogue
from bob.ops.kind import Guard
from bob.ops.services.fit import instances_elsewhere, instances_on, may_hold
from bob.ops.view import MAINTENANCE, ClusterView

QUORUM_LOSS = "quorum-loss"
LAST_INSTANCE = "last-instance"


def quorum_loss(view: ClusterView, node: str) -> Iterator[Guard]:
    """The other servers must be a majority without this one: it may be switched off."""
    servers = view.servers
    if node not in servers:
        return
    reasons = {name: _unfit(view, name) for name in servers if name != node}
    good = [name for name, reason in reasons.items() if not reason]
    if len(good) >= len(servers) // 2 + 1:
        return
    trouble = "; ".join(reason for reason in reasons.values() if reason)
    yield Guard(
        QUORUM_LOSS,
        f"{node} is one of {len(servers)} servers, and without it only {len(good)} are sound"
        + (f" ({trouble})" if trouble else ""),
        cure="Wait until the other servers are sound (bob status), or promote another node first.",
    )


def last_instance(view: ClusterView, node: str, catalogue: Catalogue) -> Iterator[Guard]:
    """Services that would stop: nobody else runs them, and nobody else could."""
    for name in instances_on(view, node):
        others = _others(view, node, name, catalogue)
        if not others and not instances_elsewhere(view, view.jobs[name], node):
            yield Guard(
                LAST_INSTANCE,
                f"{name} runs on {node} alone, and no other node can take it over",
                cure="Add a node, or bring one back to service (bob maintain NODE --off).",
            )


def thinner(view: ClusterView, node: str, catalogue: Catalogue) -> Iterator[str]:
    """Services that will run with fewer instances than wished."""
    for name, here in instances_on(view, node).items():
        wished = view.jobs[name].desired
        left = min(wished, len(_others(view, node, name, catalogue)))
        if name in catalogue.extended(view.catalogue).names() and 0 < left < wished:
            yield (
                f"{name} will run with {left} of {wished} instances: {left} other nodes can hold "
                f"one each, and {here} of them {'is' if here == 1 else 'are'} on {node}"
            )


def _others(view: ClusterView, node: str, job: str, catalogue: Catalogue) -> tuple[str, ...]:
    known = catalogue.extended(view.catalogue)
    driver = known.service(job).driver if job in known.names() else None
    return tuple(name for name in may_hold(view, driver) if name != node)


def _unfit(view: ClusterView, server: str) -> str:
    """Why a server cannot be counted on, or ""."""
    if view.wishes[server].state == MAINTENANCE:
        return f"{server} is in maintenance"
    bad = [raft for raft, quorum in view.quorums.items() if not quorum.healthy(server)]
    return f"{server} is not healthy in {', '.join(bad)}" if bad else ""
