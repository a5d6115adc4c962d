"""Carry an intent out: prepare the hosts, have the robot run the jobs, then ask the service."""

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
    """Instances of each service that was deployed, and the answers of those that have a URL."""

    instances: dict[str, tuple[ServiceInstance, ...]]
    replies: dict[str, Reply]


def prepare_hosts(intent: Intent, nomad: Nomad, fleet: Fleet, say: Callable[[str], None]) -> None:
    """Give the hosts what they lack, by SSH: there is no registry to pull an image from.

    Raises `PreflightRefused` when Nomad has no host for an instance all the same.
    """
    if intent.lacks:
        say(f"preparing {', '.join(sorted(intent.lacks))}")
        fleet.each(lambda host: prepare(host, intent.lacks[host.name]), intent.lacks)
    _await_places(intent.items, nomad, say)


def await_answer(
    intent: Intent,
    wishes: tuple[str, ...],
    nomad: Nomad,
    consul: Consul,
    say: Callable[[str], None],
) -> Outcome:
    """Wait until every instance serves, and ask the services of `wishes` as their users do.

    Raises `DeadlinePassed` when a service is not healthy within `HEALTHY_SECONDS`.
    """
    deadline = Deadline(HEALTHY_SECONDS)
    instances = {
        name: await_serving(nomad, consul, name, deadline, say, settled=True).passing
        for name in (item.service.name for item in intent.items)
    }
    replies = {}
    for item in intent.items:
        name, router = item.service.name, item.service.routed_by
        if name in wishes and router is not None:
            say(f"asking {name} through {router}")
            replies[name] = ask(instances[router], name, deadline)
    return Outcome(instances, replies)


def _await_places(items: tuple[Item, ...], nomad: Nomad, say: Callable[[str], None]) -> None:
    """Until Nomad sees new programs and has a host for each instance."""
    if not any(item.plan.unplaced for item in items):
        return
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
