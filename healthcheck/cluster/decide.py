"""From what was seen of the cluster to findings. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator

from healthcheck.cluster import judge_nodes, judge_services
from healthcheck.cluster.facts import ClusterFacts
from healthcheck.findings import Finding, Level


def decide(facts: ClusterFacts) -> tuple[Finding, ...]:
    """All findings about the cluster, the widest first."""
    return (*judge_nodes.judge(facts), *judge_services.judge(facts), *_blind(facts))


def _blind(facts: ClusterFacts) -> Iterator[Finding]:
    """What could not be looked at is not in order by that."""
    cure = "journalctl -u healthcheck on the node that holds this check tells more."
    for probe, why in facts.missing.items():
        yield Finding(Level.WARNING, probe, f"cannot be looked at: {why}", cure)
