"""Every rule about the cluster, as a table: what was seen, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from health_facts import (
    ALLOCATIONS,
    CHECKS,
    NETWORKS,
    NODES,
    SERVERS,
    check,
    cluster,
    consul,
    job,
    members,
    nomad,
)

from bob.clients.consul import MemberStatus
from healthcheck.cluster.decide import decide
from healthcheck.cluster.facts import Answer, Ceph, ClusterFacts, Wished
from healthcheck.findings import Finding, Level

FAILED = MemberStatus.FAILED
CRITICAL, WARNING, NOTE = Level.CRITICAL, Level.WARNING, Level.NOTE


def told(facts: ClusterFacts) -> list[Finding]:
    return [finding for finding in decide(facts) if finding.level is not Level.OK]


def gone(*names: str) -> ClusterFacts:
    """These nodes have failed on every network."""
    pool = members(**dict.fromkeys(names, FAILED))
    return cluster(pools=dict.fromkeys(NETWORKS, pool))


def wishing(**wishes: Wished) -> ClusterFacts:
    return cluster(consul=consul(wishes={**consul().wishes, **wishes}))


def checked(*checks: object) -> ClusterFacts:
    return cluster(consul=consul(checks=(*CHECKS, *checks)))


def test_a_healthy_cluster_has_nothing_to_complain_of() -> None:
    assert told(cluster()) == []
    assert {finding.subject for finding in decide(cluster())} == {
        "Consul servers", "Nomad servers", *NETWORKS, "Nomad nodes", "service demo",
    }  # fmt: skip


def test_nothing_seen_yet_is_nothing_said() -> None:
    assert decide(ClusterFacts()) == ()


@pytest.mark.parametrize(
    ("facts", "level", "subject", "what"),
    [
        (cluster(consul=consul(leader="")), CRITICAL, "Consul servers", "no leader"),
        (cluster(nomad=nomad(leader="")), CRITICAL, "Nomad servers", "no leader"),
        (cluster(consul=consul(robot=False)), WARNING, "robot", "nobody leads"),
        (cluster(pools={**dict.fromkeys(NETWORKS, members()), "storage": members(n4=FAILED)}),
         WARNING, "storage", "n4 is missing"),
        (wishing(n5=Wished("client", "member")), WARNING, "mgmt", "n5 is missing"),
        (cluster(nomad=nomad(nodes=nomad().nodes[:3])), WARNING, "Nomad nodes", "n4 is not ready"),
        (cluster(consul=consul(voters=frozenset({"n1", "n2"}))), WARNING, "Consul servers",
         "n3 has no vote"),
        (wishing(n4=Wished("client", "maintenance")), NOTE, "maintenance", "n4: no service"),
        (cluster(nomad=nomad(jobs=(job(desired=3),))), WARNING, "service demo", "2 of 3 healthy"),
        (cluster(nomad=nomad(jobs=(job(allocations=()),))), CRITICAL, "service demo",
         "0 of 2 healthy"),
        (checked(check("n3", "web", "critical", instance=f"_nomad-task-{ALLOCATIONS[0]}-g-web")),
         WARNING, "service demo", "1 of 2 healthy"),
        (checked(check("n1", "rabbitmq"), check("n2", "rabbitmq", "critical")), WARNING,
         "service rabbitmq", "1 of 2 passing; not on n2"),
        (checked(check("n1", "rabbitmq", "critical")), CRITICAL, "service rabbitmq",
         "0 of 1 passing; not on n1"),
        (checked(check("n2", "nodecheck", "critical", "1 critical")), CRITICAL, "nodecheck",
         "n2 complains of itself"),
        (cluster(answers=(Answer("keystone", "n1"), Answer("keystone", "n2", "refused"))), WARNING,
         "keystone", "n2: refused"),
        (cluster(answers=(Answer("mariadb", "n1", "no greeting"),)), CRITICAL, "mariadb",
         "n1: no greeting"),
        (cluster(ceph=Ceph("HEALTH_WARN", (("OSD_DOWN", "1 osds down"),))), WARNING, "Ceph",
         "1 osds down"),
        (cluster(ceph=Ceph("HEALTH_ERR")), CRITICAL, "Ceph", "HEALTH_ERR"),
        (cluster(missing={"Nomad": "does not come back"}), WARNING, "Nomad", "cannot be looked at"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_a_cure(
    facts: ClusterFacts, level: Level, subject: str, what: str
) -> None:
    found = [finding for finding in told(facts) if finding.subject == subject]
    assert [finding.level for finding in found] == [level]
    assert found[0].what.startswith(what)
    assert found[0].cure


@pytest.mark.parametrize(
    ("lost", "level", "what"),
    [
        (("n3",), WARNING, "n3 is gone; one more loss stops the cluster"),
        (("n2", "n3"), CRITICAL, "n2, n3 is gone; no majority is left"),
    ],
)
def test_lost_servers_are_weighed_by_what_may_still_be_lost(
    lost: tuple[str, ...], level: Level, what: str
) -> None:
    found = {finding.subject: finding for finding in told(gone(*lost))}
    for part in ("Consul servers", "Nomad servers"):
        assert (found[part].level, found[part].what) == (level, what)


def test_five_servers_bear_more() -> None:
    five = frozenset({*SERVERS, "n4", "n5"})
    pool = (*members(n4=FAILED), replace(members()[0], name="n5"))
    facts = cluster(
        pools=dict.fromkeys(NETWORKS, pool), consul=consul(voters=five), nomad=nomad(voters=five)
    )
    found = {finding.subject: finding for finding in told(facts)}
    assert found["Consul servers"].what == "n4 is gone; 1 more may be lost"


@pytest.mark.parametrize("output", ["TTL expired", "stopped", None])
def test_a_node_that_is_there_but_says_nothing_is_told(output: str | None) -> None:
    others = tuple(c for c in CHECKS if (c.node, c.service_name) != ("n2", "nodecheck"))
    own = () if output is None else (check("n2", "nodecheck", "critical", output),)
    (finding,) = told(cluster(consul=consul(checks=(*others, *own))))
    assert (finding.level, finding.what) == (WARNING, "n2 says nothing of itself")


@pytest.mark.parametrize(
    "facts",
    [
        wishing(n5=Wished("client", "joining")),
        wishing(n5=Wished("client", "leaving")),
        cluster(nomad=nomad(jobs=(job(stopped=True, allocations=()),))),
        cluster(nomad=nomad(jobs=(job(type="batch", allocations=()),))),
        cluster(nomad=nomad(jobs=(job(type="system", desired=1),))),  # as many as Nomad has placed
        cluster(ceph=Ceph("HEALTH_OK")),
        checked(check("n1", "bob", "critical"), check("n1", "clustercheck", "critical")),
    ],
)
def test_what_is_in_order_is_not_complained_of(facts: ClusterFacts) -> None:
    assert told(facts) == []


def test_a_silent_nodecheck_of_a_dead_node_is_no_news() -> None:
    facts = gone("n4")
    assert "nodecheck" not in {finding.subject for finding in told(facts)}
    assert {finding.what for finding in told(facts)} == {"n4 is missing"}
    assert len(NODES) == 4
