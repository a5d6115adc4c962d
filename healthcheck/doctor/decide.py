"""From what a doctor sees to one list of findings with their nodes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from healthcheck.doctor.facts import Seen, Told
from healthcheck.findings import Finding, Level, worst
from healthcheck.records import CLUSTERCHECK, NODECHECK, silent

SCHEMA = "bob/doctor/1"
CLUSTER = "cluster"
START = "systemctl status healthcheck"


@dataclass(frozen=True, slots=True)
class Line:
    """A finding and who it is about: a node's name, or `CLUSTER`."""

    place: str
    finding: Finding


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found; healthy when nothing of it needs attention."""

    cluster: str
    lines: tuple[Line, ...]

    @property
    def healthy(self) -> bool:
        """Nothing needs attention."""
        return not self.bad

    @property
    def bad(self) -> tuple[Line, ...]:
        """What needs attention."""
        return tuple(line for line in self.lines if line.finding.bad)

    @property
    def level(self) -> Level:
        """The worst of it."""
        return worst(line.finding for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """The view in JSON types."""
        return {
            "schema": SCHEMA,
            "cluster": self.cluster,
            "healthy": self.healthy,
            "level": self.level.word,
            "findings": [{"place": line.place, **line.finding.as_json()} for line in self.lines],
        }


def decide(seen: Seen) -> Diagnosis:
    """The worst first; what is equally bad in the order: cluster, then nodes."""
    lines = [Line(CLUSTER, finding) for finding in _cluster(seen)]
    for node in seen.nodes:
        lines += [Line(node, finding) for finding in _node(seen, node)]
    lines.sort(key=lambda line: -line.finding.level)
    return Diagnosis(seen.cluster, tuple(lines))


def _cluster(seen: Seen) -> Iterator[Finding]:
    told = seen.told
    if told is None:
        yield Finding(
            Level.CRITICAL, "Consul", f"cannot be asked: {seen.why}",
            "What follows was seen from here, without the nodes' own findings. Bring the servers "
            "back first; lost for good: bob recover-quorum",
        )  # fmt: skip
        yield from _status(seen)
        return
    heard = _heard(told, CLUSTERCHECK)
    if told.cluster is None or not heard:
        yield Finding(
            Level.WARNING, CLUSTERCHECK, "no server watches the cluster",
            f"On the servers: {START}. Until then this is what they say one by one.",
        )  # fmt: skip
        yield from _status(seen)
        return
    if not told.cluster.speaks:
        yield Finding(Level.NOTE, CLUSTERCHECK, "has just begun; what it finds may still settle")
    # What nodes complain of is told below, in their own words.
    yield from (f for f in told.cluster.findings if f.subject != NODECHECK or not f.bad)


def _status(seen: Seen) -> Iterator[Finding]:
    for reason in seen.status.complaints:
        yield Finding(Level.WARNING, "status", reason, "bob status")


def _node(seen: Seen, node: str) -> Iterator[Finding]:
    told = seen.told
    answers = seen.answering is None or node in seen.answering
    if told is None:
        if answers and seen.answering is not None:
            yield Finding(
                Level.NOTE, NODECHECK, "the host is up; what it found is not to be had",
                "On it: systemctl status healthcheck shows a summary.",
            )  # fmt: skip
        elif not answers:
            yield Finding(
                Level.CRITICAL, NODECHECK, "the host does not answer us",
                "Is it on (BMC)? Is its NIC of mgmt connected?",
            )  # fmt: skip
        return
    record = told.nodes.get(node)
    if not _heard(told, NODECHECK, node):
        yield Finding(
            Level.WARNING, NODECHECK, "says nothing of itself",
            f"Is it on (BMC)? If it is, on it: {START}",
        )  # fmt: skip
        return
    if record is None:
        return  # it has just begun
    if not record.speaks:
        yield Finding(Level.NOTE, NODECHECK, "has just started; what it finds may still settle")
    yield from record.findings


def _heard(told: Told, service: str, node: str = "") -> bool:
    """A living check of this service (on this node): its daemon tells it every few seconds."""
    return any(
        check.service_name == service
        and (not node or check.node == node)
        and not silent(check.output)
        and not _dead(told.checks, check.node)
        for check in told.checks
    )


def _dead(checks: Sequence[Any], node: str) -> bool:
    return any(c.node == node and c.id == "serfHealth" and not c.passing for c in checks)
