"""From what was seen of a node to findings. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator

from healthcheck.findings import Finding, Level
from healthcheck.node import judge_host, judge_networks, judge_storage
from healthcheck.node.facts import NodeFacts


def decide(facts: NodeFacts) -> tuple[Finding, ...]:
    """All findings about this node, the networks first."""
    return (
        *judge_networks.judge(facts),
        *judge_storage.judge(facts),
        *judge_host.judge(facts),
        *_blind(facts),
    )


def _blind(facts: NodeFacts) -> Iterator[Finding]:
    """What could not be looked at is not in order by that."""
    for probe, why in facts.missing.items():
        yield Finding(
            Level.WARNING, probe, f"cannot be looked at: {why}",
            "journalctl -u healthcheck on this node tells more.",
        )  # fmt: skip
