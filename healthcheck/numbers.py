"""Findings and facts as numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bob.daemon.metrics import Sample
from healthcheck.findings import Finding, Level, worst
from healthcheck.node.facts import NodeFacts


def of_findings(check: str, findings: Sequence[Finding]) -> Iterator[Sample]:
    """How bad a check is (0 ok to 3 critical), and how many findings of each level it has."""
    yield Sample("healthcheck_level", worst(findings), {"check": check})
    for level in Level:
        count = sum(finding.level is level for finding in findings)
        yield Sample("healthcheck_findings", count, {"check": check, "level": level.word})


def of_node(facts: NodeFacts) -> Iterator[Sample]:
    """What was measured on this node; what was not seen is left out."""
    for network, nic in (facts.nics or {}).items():
        if nic is not None:
            labels = {"network": network, "nic": nic.name}
            yield Sample("healthcheck_link", float(nic.on and nic.carrier), labels)
    for (network, name), echo in (facts.echoes or {}).items():
        labels = {"network": network, "neighbour": name}
        yield Sample("healthcheck_echo_seconds", echo.took, labels)
        yield Sample("healthcheck_clock_ahead_seconds", echo.ahead, labels)
    for space in facts.spaces or ():
        labels = {"mount": space.mount.place}
        yield Sample("healthcheck_mount_hangs", float(space.hangs), labels)
        if space.size:
            yield Sample("healthcheck_free_bytes", space.free, labels)
            yield Sample("healthcheck_size_bytes", space.size, labels)
    if facts.memory is not None:
        yield Sample("healthcheck_memory_available_bytes", facts.memory.available)
    for unit in facts.units or ():
        yield Sample("healthcheck_unit_active", float(unit.state == "active"), {"unit": unit.name})


def of_probes(missing: Iterable[str]) -> Iterator[Sample]:
    """Probes that hang or fail."""
    for probe in missing:
        yield Sample("healthcheck_probe_failed", 1.0, {"probe": probe})
