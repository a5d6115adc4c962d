"""What the leader does of its own accord about services and Nomad's nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest
from service_world import World

from bob.clients.consul import ServiceInstance
from bob.ops.kind import Request
from bob.robot.duties.registrations import Registrar
from bob.robot.duties.services import FIRST_DELAY, ServiceKeeper
from bob.robot.duty import Action, Do, Memory, Say
from inventory import NetworkName


@pytest.fixture
def world() -> World:
    made = World()
    made.deploy("haproxy")
    return made


def titles(actions: Sequence[Action]) -> list[str]:
    return [action.title for action in actions if isinstance(action, Do)]


def look(world: World, memory: Memory | None = None, now: float = 0.0) -> Sequence[Action]:
    return ServiceKeeper(world.catalogue).decide(
        world.view(), now, {} if memory is None else memory
    )


def act(world: World, actions: Sequence[Action]) -> None:
    for action in actions:
        if isinstance(action, Do):
            action.act(world.context(Request("duty", "")))
    world.clock.sleep(2.0)


def test_a_service_as_wished_is_left_alone(world: World) -> None:
    index = world.job("haproxy")["JobModifyIndex"]
    assert look(world) == ()
    assert world.job("haproxy")["JobModifyIndex"] == index


@pytest.mark.parametrize("purge", [False, True])
def test_a_job_that_was_stopped_by_hand_is_back(world: World, purge: bool) -> None:
    world.nomad.jobs.deregister("haproxy", purge=purge)
    found = look(world)
    assert titles(found) == [
        f"haproxy: its job {'is gone' if purge else 'was stopped'}, so it is registered again"
    ]
    act(world, found)
    assert len(world.running_on("haproxy")) == 2
    assert world.job("haproxy")["Meta"]["bob_operation"] == "reconciler"
    assert look(world) == ()


def test_another_count_by_hand_is_put_right_without_replacing_an_instance(world: World) -> None:
    before = {a.id for a in world.nomad.state.allocations("haproxy")}
    job = dict(world.job("haproxy"))
    job["TaskGroups"] = [{**job["TaskGroups"][0], "Count": 4}]
    world.nomad.jobs.register(job)
    act(world, look(world))
    left = {a.id for a in world.nomad.state.allocations("haproxy") if a.desired == "run"}
    assert left == before
    assert look(world) == ()


def test_another_definition_by_hand_is_put_right(world: World) -> None:
    good = world.job("haproxy")["Definition"]
    world.nomad.jobs.register(dict(world.job("haproxy")) | {"Definition": "something else"})
    act(world, look(world))
    assert world.job("haproxy")["Definition"] == good
    assert look(world) == ()


def test_a_change_that_makes_no_difference_is_only_noted(world: World) -> None:
    world.fleet.jobs["haproxy"]["Version"] += 1
    index = world.job("haproxy")["JobModifyIndex"]
    act(world, look(world))
    assert world.job("haproxy")["JobModifyIndex"] == index
    assert look(world) == ()


def test_repairs_that_do_not_help_become_rare(world: World) -> None:
    world.nomad.jobs.deregister("haproxy")
    memory: Memory = {}
    times = [now for now in range(200) if titles(look(world, memory, float(now)))]
    assert times == [0, 10, 30, 70, 150]
    (told,) = look(world, memory, 151.0)
    assert told == Say("haproxy: its job was stopped; again in 159 s")
    assert FIRST_DELAY == 10.0


def test_a_service_that_an_operation_works_on_is_left_alone(world: World) -> None:
    world.nomad.jobs.deregister("haproxy")
    view = replace(world.view(), held={"service/haproxy": "op9"})
    assert ServiceKeeper(world.catalogue).decide(view, 0.0, {}) == ()
    found = look(world)
    world.consul.kv.put("bob/active/service/haproxy", "op9")  # it began since the look
    act(world, found)
    assert world.job("haproxy")["Stop"]


def test_nothing_is_done_about_what_is_not_known(world: World) -> None:
    view = replace(world.view(), jobs={}, nodes={}, nomad_known=False)
    assert ServiceKeeper(world.catalogue).decide(view, 0.0, {}) == ()
    assert Registrar().decide(view, 0.0, {}) == ()


def test_instances_that_stay_missing_are_told(world: World) -> None:
    for name in ("n1", "n2", "n3"):
        world.fleet.set_status(name, "down")
    world.clock.sleep(5)
    memory: Memory = {}
    assert look(world, memory, 0.0) == ()
    world.clock.sleep(5)
    assert look(world, memory, 40.0) == (Say("haproxy: 1 of 2 instances run for 40 s"),)
    world.fleet.set_status("n1", "ready")
    world.clock.sleep(5)
    world.view()
    world.clock.sleep(5)
    assert look(world, memory, 41.0) == ()


def test_a_service_of_a_newer_bob_is_only_told(world: World) -> None:
    world.consul.kv.put("bob/services/new", '{"count": 1}')
    assert look(world) == (Say("new: its job is gone, and this version of Bob does not know it"),)


def test_the_former_self_of_a_node_is_forgotten_once_the_new_one_is_ready(world: World) -> None:
    old, new = world.fleet.host("n4"), world.fleet.reinstall("n4")
    found = Registrar().decide(world.view(), 0.0, {})
    assert titles(found) == ["forget what n4 was before it was installed anew"]
    act(world, found)
    assert new.id in world.fleet.hosts
    assert old.id not in world.fleet.hosts
    assert Registrar().decide(world.view(), 0.0, {}) == []


def test_a_node_that_is_only_down_is_not_forgotten(world: World) -> None:
    world.fleet.set_status("n4", "down")
    assert Registrar().decide(world.view(), 0.0, {}) == []
    world.fleet.reinstall("n4")
    world.fleet.set_status("n4", "down")
    assert Registrar().decide(world.view(), 0.0, {}) == []


def test_a_node_in_maintenance_stays_without_instances(world: World) -> None:
    context = world.context(Request("duty", ""))
    context.records.change_node("n4", state="maintenance")
    found = Registrar().decide(world.view(), 0.0, {})
    assert titles(found) == ["keep instances off n4, which is in maintenance"]
    act(world, found)
    assert not world.view().nodes["n4"].eligible
    world.nomad.nodes.set_eligible(world.fleet.host("n4").id, True)
    held = replace(world.view(), held={"node/n4": "op"})
    assert Registrar().decide(held, 0.0, {}) == []


def test_former_servers_are_struck_off_the_catalog_once_things_are_quiet(world: World) -> None:
    """`n4` was a server: Consul still lists it as one, and Nomad's part too."""
    struck: list[tuple[str, str]] = []
    members = world.view().members[NetworkName.MGMT]

    class Listing:
        def service(self, name: str) -> list[ServiceInstance]:
            return [
                ServiceInstance(n, f"{name}-{n}", name, "", 0, (), ()) for n in ("n1", "n2", "n4")
            ]

        def deregister_service(self, node: str, service: str) -> None:
            struck.append((node, service))

    world.consul.catalog = Listing()  # type: ignore[assignment]
    world.consul.agent = SimpleNamespace(members=lambda: members.values())  # type: ignore[assignment]
    memory: Memory = {}
    what = "look for registrations of former servers"
    view = world.view()
    times = [t for t in range(0, 300, 10) if titles(Registrar().decide(view, float(t), memory))]
    assert times == [30]
    memory = {}
    Registrar().decide(view, 0.0, memory)
    found = Registrar().decide(view, 31.0, memory)
    assert titles(found) == [what]
    act(world, found)
    assert struck == [("n4", "consul-n4"), ("n4", "nomad-n4")]
    changed = {**members, "n4": replace(members["n4"], server=True)}
    view = replace(view, members={NetworkName.MGMT: changed})
    assert Registrar().decide(view, 40.0, memory) == []
    held = replace(view, held={"servers": "op"})
    assert Registrar().decide(held, 80.0, memory) == []
    assert titles(Registrar().decide(view, 90.0, memory)) == [what]
