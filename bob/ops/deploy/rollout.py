"""Is a registered service up? A snapshot of Nomad and Consul, and a pure verdict on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bob.clients.consul import Consul, ServiceInstance
from bob.clients.http import Refused, Unreachable
from bob.clients.nomad import Allocation, Deployment, Nomad, TaskEvent
from bob.errors import DeadlinePassed, Permanent
from bob.ops.deploy import changes
from bob.waiting import Deadline, wait_for

UNDER_WAY = frozenset({"initializing", "pending", "running", "paused", "blocked", "unblocking"})
FAILED = frozenset({"failed", "cancelled"})
STOP = "stop"  # what Nomad wants of an allocation that it ends
LOST = "lost"  # with its host: no word on the version
LAST_LINES = 2  # of what a failing task wrote
TELL_SECONDS = 5.0  # between two questions for what holds the instances up


@dataclass(frozen=True)
class Snapshot:
    """A service at one moment. `version` and `count` are those of the registered job."""

    version: int
    count: int
    allocations: tuple[Allocation, ...]
    deployment: Deployment | None
    instances: tuple[ServiceInstance, ...]


@dataclass(frozen=True)
class Verdict:
    """`passing` of `count` instances serve; `failure` is why more will not come, or empty.

    `settled`: Nomad has nothing left to do for this version, and nothing runs that it stops. `sick`
    are new instances that Nomad found unhealthy, by node; more may still be tried.
    """

    passing: tuple[ServiceInstance, ...]
    count: int
    settled: bool
    failure: str
    sick: tuple[str, ...] = ()

    @property
    def serving(self) -> bool:
        """All instances serve."""
        return len(self.passing) == self.count

    def __str__(self) -> str:
        return f"{len(self.passing)} of {self.count} instances passing"


def judge(now: Snapshot) -> Verdict:
    """An instance serves when its allocation of this version runs and its checks in Consul pass.

    Nomad names a Consul service after its allocation, so what an earlier version left in the
    catalog does not count. An instance that was late, as when Consul was away while it started,
    stays unhealthy for Nomad, whose deployment then never ends: it is settled when all serve.
    """
    running = [a.id for a in now.allocations if a.running and a.version == now.version]
    passing = tuple(
        instance
        for instance in now.instances
        if instance.passing and any(allocation in instance.id for allocation in running)
    )
    failure = ""
    settled = not any(a.running and a.desired == STOP for a in now.allocations)
    if now.deployment is not None and now.deployment.version == now.version:
        verdicts = [a.healthy for a in now.allocations if a.id in running]
        late = len(passing) == now.count and None not in verdicts and False in verdicts
        settled = settled and (now.deployment.status not in UNDER_WAY or late)
        if now.deployment.status in FAILED and len(passing) < now.count:
            failure = now.deployment.description
    sick = {
        a.node_name
        for a in now.allocations
        if a.version == now.version and a.healthy is False and a.status != LOST
    }
    return Verdict(passing, now.count, settled, failure, tuple(sorted(sick)))


def sense(nomad: Nomad, consul: Consul, service: str) -> Snapshot:
    """Read the state of a registered service, whose job has the same name.

    Raises `Permanent` when the job is gone.
    """
    job = nomad.jobs.get(service)
    if job is None:
        raise Permanent(f"the job {service} was removed by someone else")
    return Snapshot(
        version=job["Version"],
        count=sum(group["Count"] for group in job["TaskGroups"]),
        allocations=nomad.state.allocations(service),
        deployment=nomad.rollouts.deployment(service),
        instances=consul.catalog.service(service),
    )


def await_serving(
    nomad: Nomad,
    consul: Consul,
    service: str,
    deadline: Deadline,
    say: Callable[[str], None],
    *,
    settled: bool,
    strict: bool = False,
) -> Verdict:
    """Wait until all instances serve and, with `settled`, Nomad's deployment has ended.

    `strict`: a new instance that is not healthy is a failure; without it Nomad may go on. Raises
    `Permanent` or `DeadlinePassed` with the reasons. `say` is told what it waits for, like an image
    that is missing: nobody has to wait for the deadline to learn of it.
    """
    last, obstacle = "", ""
    quiet = Deadline(TELL_SECONDS, deadline.clock)

    def serving() -> Verdict | None:
        nonlocal last, obstacle, quiet
        try:
            verdict = judge(sense(nomad, consul, service))
            if quiet.passed() and not verdict.serving:
                obstacle = _obstacle(nomad, service, verdict)
                quiet = Deadline(TELL_SECONDS, deadline.clock)
        except Unreachable as error:  # a change of leader in the middle of it
            last = error.message
            return None
        last = str(verdict)
        say(f"{service}: {last}{obstacle if not verdict.serving else ''}")
        if strict and verdict.sick:
            where = ", ".join(verdict.sick)
            raise Permanent(
                f"{service}: the new instance on {where} is not healthy; "
                f"{last}{_details(nomad, service)}"
            )
        if verdict.failure:
            raise Permanent(
                f"{service}: {verdict.failure}; {last}{_details(nomad, service)}",
                cure=f"Mend the cause, stop the job {service} in the Nomad UI (see bob ui), "
                "then deploy again.",
            )
        return verdict if verdict.serving and (verdict.settled or not settled) else None

    try:
        return wait_for(serving, what=f"{service} healthy", deadline=deadline, interval=0.2)
    except DeadlinePassed as error:
        raise DeadlinePassed(
            f"{error}; {last}{_details(nomad, service)}",
            cure="Nomad goes on trying; bob deploy again waits for it. See its UI: bob ui.",
        ) from error


def _obstacle(nomad: Nomad, service: str, verdict: Verdict) -> str:
    """What Nomad says of one instance that does not serve yet, if it says something."""
    for event in nomad.rollouts.events(service):
        if not any(event.allocation in instance.id for instance in verdict.passing):
            return f" ({event.node_name}, task {event.task}: {event.message})"
    return ""


def _details(nomad: Nomad, service: str) -> str:
    """What Nomad and the tasks say about instances that do not come up."""
    try:
        job = nomad.jobs.get(service)
        if job is None:
            return ""
        lines = [f"{service}: {reason}" for reason in changes.unplaced(nomad.jobs.plan(job))]
        for event in nomad.rollouts.events(service):
            lines.append(f"{event.node_name}, task {event.task}: {event.message}")
            lines += (f"  {said}" for said in _last_words(nomad, event))
    except Unreachable as error:
        lines = [error.message]
    return "".join(f"\n  {line}" for line in lines)


def _last_words(nomad: Nomad, event: TaskEvent) -> list[str]:
    """The end of a task's standard error; nothing when its node cannot be asked."""
    try:
        said = nomad.rollouts.stderr(event.allocation, event.task)
    except (Unreachable, Refused):
        return []
    return said.splitlines()[-LAST_LINES:]
