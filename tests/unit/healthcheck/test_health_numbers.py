"""The numbers of a node for Prometheus."""

from __future__ import annotations

from health_facts import node, space

from bob.daemon.metrics import text
from healthcheck import numbers
from healthcheck.findings import Finding, Level, ok
from healthcheck.node.facts import Mount, NodeFacts


def test_findings_are_counted_by_level() -> None:
    found = [ok("a", "b"), Finding(Level.WARNING, "a", "b"), Finding(Level.CRITICAL, "c", "d")]
    lines = text(numbers.of_findings("nodecheck", found)).splitlines()
    assert 'healthcheck_level{check="nodecheck"} 3' in lines
    assert 'healthcheck_findings{check="nodecheck",level="warning"} 1' in lines
    assert 'healthcheck_findings{check="nodecheck",level="note"} 0' in lines


def test_what_was_measured_is_shown() -> None:
    hangs = space(mount=Mount("/nfs", "nfs4"), size=0, hangs=True)
    lines = text(numbers.of_node(node(spaces=(space(), hangs)))).splitlines()
    assert 'healthcheck_link{network="storage",nic="eth1"} 1' in lines
    assert 'healthcheck_mount_hangs{mount="/nfs"} 1' in lines
    assert 'healthcheck_unit_active{unit="nomad"} 1' in lines
    assert not [line for line in lines if "free_bytes" in line and "/nfs" in line]


def test_what_was_not_seen_is_left_out() -> None:
    assert list(numbers.of_node(NodeFacts("n1", {}))) == []
