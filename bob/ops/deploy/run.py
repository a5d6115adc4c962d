"""Carry an intent out: prepare the hosts, then register and await each service in its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bob.clients.consul import Consul, ServiceInstance
from bob.clients.fleet import Fleet
from bob.clients.nomad import Nomad
from bob.errors import DeadlinePassed
from bob.ops.deploy.hosts import prepare
from bob.ops.deploy.intent import Intent, Item, refuse_unplaced
from bob.ops.deploy.request import Reply, ask
from bob.ops.deploy.rollout import await_serving
from bob.waiting import Deadline, wait_for

HEALTHY_SECONDS = 120.0
PLACEABLE_SECONDS = 60.0  # Nomad looks every 30 s for a driver that was not there


@dataclass(frozen=True)
class Outcome:
    """Instances of each service that was deployed, and the answer to a request, if it has a URL."""

    instances: dict[str, tuple[ServiceInstance, ...]]
    reply: Reply | None


def run(
    intent: Intent, nomad: Nomad, consul: Consul, fleet: Fleet, say: Callable[[str], None]
) -> Outcome:
    """Raises `DeadlinePassed` when a service is not healthy within `HEALTHY_SECONDS`."""
    if intent.lacks:
        say(f"preparing {', '.join(sorted(intent.lacks))}")
        fleet.each(lambda host: prepare(host, intent.lacks[host.name]), intent.lacks)
    items = _placeable(intent.items, nomad, say)
    deadline = Deadline(HEALTHY_SECONDS)
    for item in items:
        if item.plan.changes:
            say(f"registering {item.service.name}")
            nomad.jobs.register(item.job, item.plan.index)
        await_serving(nomad, consul, item.service.name, deadline, say, settled=False)
    # What depends on a service needs its instances, not the end of Nomad's own waiting for them.
    instances = {
        name: await_serving(nomad, consul, name, deadline, say, settled=True).passing
        for name in (item.service.name for item in items)
    }
    wanted = items[-1].service
    reply = None
    if wanted.routed_by is not None:
        say(f"asking {wanted.name} through {wanted.routed_by}")
        reply = ask(instances[wanted.routed_by], wanted.name, deadline)
    return Outcome(instances, reply)


def _placeable(
    items: tuple[Item, ...], nomad: Nomad, say: Callable[[str], None]
) -> tuple[Item, ...]:
    """The items with plans that have a host for each instance, once Nomad sees new programs."""
    if not any(item.plan.unplaced for item in items):
        return items
    latest = items

    def planned() -> bool:
        nonlocal latest
        latest = tuple(replace(item, plan=nomad.jobs.plan(item.job)) for item in items)
        return not any(item.plan.unplaced for item in latest)

    say("waiting until Nomad sees the new programs")
    try:
        wait_for(planned, what="a host for each instance", deadline=PLACEABLE_SECONDS, interval=1.0)
    except DeadlinePassed:
        refuse_unplaced(latest)
        raise
    return latest
