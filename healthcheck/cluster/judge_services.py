"""Rules about services: those of Nomad by their count, the others by their checks. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from bob.clients.consul import SERF_HEALTH, Check
from bob.clients.nomad import JobState
from bob.clients.nomad.records import SERVICE, SYSTEM
from bob.status.instances import allocation_of, healthy_instances
from healthcheck.cluster.facts import Ceph, ClusterFacts, ConsulFacts
from healthcheck.findings import Finding, Level, ok
from healthcheck.records import CLUSTERCHECK, NODECHECK

OWN = frozenset({"bob", NODECHECK, CLUSTERCHECK})  # they tell of themselves elsewhere
CEPH_LEVELS = {"HEALTH_OK": Level.OK, "HEALTH_WARN": Level.WARNING}


def judge(facts: ClusterFacts) -> Iterator[Finding]:
    """Nomad's services, other services of the catalog, what was asked directly, and Ceph."""
    if facts.nomad is not None:
        checks = facts.consul.checks if facts.consul else ()
        for job in sorted(facts.nomad.jobs, key=lambda job: job.name):
            if not job.stopped and job.type in (SERVICE, SYSTEM):
                yield _job(job, healthy_instances(job, facts.nomad.nodes, checks))
    if facts.consul is not None:
        yield from _catalog(facts, facts.consul)
    yield from _answers(facts)
    if facts.ceph is not None:
        yield from _ceph(facts.ceph)


def _job(job: JobState, healthy: int) -> Finding:
    # Nomad itself decides on how many nodes a system job runs.
    desired = len(job.allocations) if job.type == SYSTEM else job.desired
    subject = f"service {job.name}"
    if healthy >= desired:
        return ok(subject, f"{healthy} of {desired} healthy")
    level = Level.WARNING if healthy else Level.CRITICAL
    cure = f"nomad job status {job.id} tells what keeps the others; bob op ls what the robot does."
    return Finding(level, subject, f"{healthy} of {desired} healthy", cure)


def _catalog(facts: ClusterFacts, consul: ConsulFacts) -> Iterator[Finding]:
    """Services that are no job of Nomad, as far as they have checks."""
    dead = {c.node for c in consul.checks if c.id == SERF_HEALTH and not c.passing}
    found: dict[str, dict[tuple[str, str], list[Check]]] = defaultdict(lambda: defaultdict(list))
    for check in consul.checks:
        name = check.service_name
        if name and name not in OWN and not (facts.nomad and allocation_of(check)):
            found[name][check.node, check.service_id].append(check)
    for name, instances in sorted(found.items()):
        good = sum(
            node not in dead and all(check.passing for check in checks)
            for (node, _), checks in instances.items()
        )
        subject = f"service {name}"
        if good == len(instances):
            yield ok(subject, f"{good} of {good} passing")
            continue
        nodes = sorted(
            {
                n
                for (n, _), each in instances.items()
                if n in dead or not all(c.passing for c in each)
            }
        )
        yield Finding(
            Level.WARNING if good else Level.CRITICAL, subject,
            f"{good} of {len(instances)} passing; not on {', '.join(nodes)}",
            f"The check's own output tells why: the Consul UI, service {name}.",
        )  # fmt: skip


def _answers(facts: ClusterFacts) -> Iterator[Finding]:
    services = dict.fromkeys(answer.service for answer in facts.answers)
    for service in services:
        asked = [answer for answer in facts.answers if answer.service == service]
        bad = [answer for answer in asked if answer.error]
        if not bad:
            yield ok(service, f"{len(asked)} of {len(asked)} answer")
            continue
        yield Finding(
            Level.WARNING if len(bad) < len(asked) else Level.CRITICAL, service,
            "; ".join(f"{answer.node}: {answer.error}" for answer in bad),
            f"nomad job status {service}; nomad alloc logs of the instance on that node",
        )  # fmt: skip


def _ceph(ceph: Ceph) -> Iterator[Finding]:
    level = CEPH_LEVELS.get(ceph.status, Level.CRITICAL)
    if level is Level.OK:
        yield ok("Ceph", "is healthy")
        return
    for name, sentence in ceph.complaints or (("", ceph.status),):
        yield Finding(level, "Ceph", sentence, f"ceph health detail {name}".rstrip())
