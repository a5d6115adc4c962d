"""Rules about servers, and about the nodes of the inventory. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bob.clients.consul import MemberStatus
from healthcheck.cluster.facts import ClusterFacts, ConsulFacts, NomadFacts
from healthcheck.findings import Finding, Level, ok
from healthcheck.records import NODECHECK, silent

SERVER, MEMBER, MAINTENANCE = "server", "member", "maintenance"
MGMT = "mgmt"


def judge(facts: ClusterFacts) -> Iterator[Finding]:
    """Servers first, then every network, Nomad's nodes, and the nodes' own checks."""
    if facts.consul is not None:
        yield from _quorum("Consul", facts.consul.leader, facts.consul.voters, facts)
        if not facts.consul.robot:
            yield Finding(
                Level.WARNING, "robot", "nobody leads: nothing is repaired, no operation goes on",
                "On the servers: systemctl status bob-agent",
            )  # fmt: skip
    if facts.nomad is not None:
        yield from _quorum("Nomad", facts.nomad.leader, facts.nomad.voters, facts)
    if facts.consul is not None:
        yield from _presence(facts, facts.consul)
        if facts.nomad is not None:
            yield from _ready(facts.consul, facts.nomad)
        yield from _nodechecks(facts, facts.consul)


def _quorum(
    part: str, leader: str, voters: frozenset[str], facts: ClusterFacts
) -> Iterator[Finding]:
    subject = f"{part} servers"
    if not leader:
        yield Finding(
            Level.CRITICAL, subject, "no leader: nothing can be changed",
            "Bring the servers back (bob status); if they are lost for good: bob recover-quorum",
        )  # fmt: skip
        return
    here = voters & _alive(facts, MGMT) if facts.pools is not None else voters
    majority = len(voters) // 2 + 1
    lost = ", ".join(sorted(voters - here))
    if lost:
        spare = len(here) - majority
        more = ("one more loss stops the cluster", f"{spare} more may be lost")[spare > 0]
        if spare < 0:
            more = "no majority is left"
        yield Finding(
            Level.CRITICAL if spare < 0 else Level.WARNING, subject, f"{lost} is gone; {more}",
            "Bring it back; else the robot has another node take its place (bob status).",
        )  # fmt: skip
        return
    wished = _servers(facts)
    if missing := sorted(wished - voters):
        yield Finding(
            Level.WARNING, subject, f"{', '.join(missing)} has no vote",
            f"bob op ls; on that node: journalctl -u {part.lower()}{'-mgmt' * (part == 'Consul')}",
        )  # fmt: skip
    else:
        yield ok(subject, f"{len(voters)} of {len(voters)} are online")


def _presence(facts: ClusterFacts, consul: ConsulFacts) -> Iterator[Finding]:
    wanted = {name for name, wish in consul.wishes.items() if wish.state in (MEMBER, MAINTENANCE)}
    for network in facts.pools or {}:
        if missing := sorted(wanted - _alive(facts, network)):
            yield Finding(
                Level.WARNING, network, f"{', '.join(missing)} is missing",
                "bob doctor tells what that node says itself; is it on, is its NIC connected? "
                "One that is gone for good: bob remove-node",
            )  # fmt: skip
        elif wanted:
            yield ok(network, f"all {len(wanted)} nodes are there")


def _ready(consul: ConsulFacts, nomad: NomadFacts) -> Iterator[Finding]:
    ready = {node.name for node in nomad.nodes if node.ready}
    wanted = {name for name, wish in consul.wishes.items() if wish.state in (MEMBER, MAINTENANCE)}
    if away := sorted(wanted - ready):
        yield Finding(
            Level.WARNING, "Nomad nodes", f"{', '.join(away)} is not ready",
            "On that node: systemctl status nomad; journalctl -u nomad",
        )  # fmt: skip
    elif wanted:
        yield ok("Nomad nodes", f"all {len(wanted)} are ready")
    resting = sorted(name for name, wish in consul.wishes.items() if wish.state == MAINTENANCE)
    if resting:
        yield Finding(
            Level.NOTE, "maintenance", f"{', '.join(resting)}: no service is placed there",
            f"When it is done: bob maintain {resting[0]} --off",
        )  # fmt: skip


def _nodechecks(facts: ClusterFacts, consul: ConsulFacts) -> Iterator[Finding]:
    """Nodes that are there but silent about themselves, and those that complain."""
    told = {check.node: check for check in consul.checks if check.service_name == NODECHECK}
    alive = _alive(facts, MGMT)
    members = {name for name, wish in consul.wishes.items() if wish.state == MEMBER}
    quiet = sorted(
        name for name in members & alive if name not in told or silent(told[name].output)
    )
    if quiet:
        yield Finding(
            Level.WARNING, NODECHECK, f"{', '.join(quiet)} says nothing of itself",
            "On that node: systemctl status healthcheck",
        )  # fmt: skip
    for name in sorted(members & alive - set(quiet)):
        if not told[name].passing:
            level = Level.CRITICAL if told[name].status == "critical" else Level.WARNING
            yield Finding(level, NODECHECK, f"{name} complains of itself", "bob doctor")


def _alive(facts: ClusterFacts, network: str) -> frozenset[str]:
    members = (facts.pools or {}).get(network, ())
    return frozenset(m.name for m in members if m.status is MemberStatus.ALIVE)


def _servers(facts: ClusterFacts) -> frozenset[str]:
    wishes = facts.consul.wishes if facts.consul else {}
    return frozenset(
        name for name, wish in wishes.items() if wish.role == SERVER and wish.state == MEMBER
    )
