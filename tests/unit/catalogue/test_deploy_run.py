"""What is done on the operator's side: hosts before the wish, questions after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from bob.catalogue import Catalogue, Image, Package
from bob.clients.consul import Consul, ServiceInstance
from bob.clients.fleet import Fleet
from bob.clients.nomad import Nomad, Plan
from bob.clients.ssh import Host
from bob.errors import DeadlinePassed, PreflightRefused
from bob.ops.deploy import run as module
from bob.ops.deploy.hosts import Lack
from bob.ops.deploy.intent import Intent, Item
from bob.ops.deploy.request import Reply
from bob.ops.deploy.rollout import Verdict
from bob.ops.deploy.run import await_answer, prepare_hosts
from bob.ops.services.wishes import Wanted

SAME = Plan("None", {}, {}, {}, "", 3)
NO_ROOM = Plan("Edited", {}, {}, {"demo": {"ConstraintFiltered": {"missing drivers": 3}}}, "", 5)
LACK = Lack((Package(program="docker", name="docker.io"),), (Image("bob-demo:0123", b""),))


class World:
    """Nomad, the hosts and the waits; it notes what happens to them."""

    def __init__(self, *plans: Plan) -> None:
        self.plans = list(plans)
        self.done: list[str] = []
        self.jobs = self

    def plan(self, job: dict[str, Any]) -> Plan:
        self.done.append(f"plan {job['ID']}")
        return self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]

    def serving(self, *arguments: Any, settled: bool) -> Verdict:
        self.done.append(f"await {arguments[2]}{' settled' if settled else ''}")
        instance = ServiceInstance("n1", "id", arguments[2], "127.0.0.1", 80, (), ())
        return Verdict((instance,), 1, settled=settled, failure="")

    def ask(self, routers: tuple[ServiceInstance, ...], service: str, _: object) -> Reply:
        self.done.append(f"ask {service} through {routers[0].name}")
        return Reply("http://url", "hello")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(SAME)
    monkeypatch.setattr(module, "await_serving", made.serving)
    monkeypatch.setattr(module, "ask", made.ask)
    monkeypatch.setattr(
        module, "prepare", lambda host, lack: made.done.append(f"prepare {host.name}")
    )
    monkeypatch.setattr(module, "PLACEABLE_SECONDS", 0.05)
    return made


def intent(demo: Plan, lacks: dict[str, Lack] | None = None) -> Intent:
    services = Catalogue().in_order("demo")
    plans = {"haproxy": SAME, "demo": demo}
    items = tuple(
        Item(each, Wanted(count=2), {"ID": each.name}, plans[each.name]) for each in services
    )
    return Intent(items, lacks or {}, {}, {})


def prepare(wanted: Intent, world: World) -> None:
    fleet = Fleet([cast(Host, type("Named", (), {"name": "n2"})())])
    prepare_hosts(wanted, cast(Nomad, world), fleet, lambda _: None)


def answer(wanted: Intent, world: World) -> module.Outcome:
    return await_answer(wanted, ("demo",), cast(Nomad, world), cast(Consul, None), lambda _: None)


def test_a_host_gets_what_it_lacks(world: World) -> None:
    prepare(intent(SAME, {"n2": LACK}), world)
    assert world.done == ["prepare n2"]


def test_every_service_serves_before_the_last_one_is_asked(world: World) -> None:
    outcome = answer(intent(SAME), world)
    assert world.done == ["await haproxy settled", "await demo settled", "ask demo through haproxy"]
    assert outcome.replies == {"demo": Reply("http://url", "hello")}
    assert list(outcome.instances) == ["haproxy", "demo"]


def test_a_service_without_a_route_is_not_asked(world: World) -> None:
    wanted = intent(SAME)
    assert answer(replace(wanted, items=wanted.items[:1]), world).replies == {}


def test_nomad_gets_time_to_see_a_new_program(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLACEABLE_SECONDS", 10.0)
    world.plans = [NO_ROOM, NO_ROOM, SAME]
    prepare(intent(NO_ROOM, {"n2": LACK}), world)
    assert world.done[0] == "prepare n2"
    assert world.done.count("plan demo") == 2


def test_a_place_that_never_comes_is_refused_with_the_reasons(world: World) -> None:
    world.plans = [NO_ROOM]
    with pytest.raises(PreflightRefused, match="missing drivers") as caught:
        prepare(intent(NO_ROOM, {"n2": LACK}), world)
    assert isinstance(caught.value.__context__, DeadlinePassed)
