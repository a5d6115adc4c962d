"""Taking a node out of service: what is refused, what moves, and the way back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from service_world import World

from bob.clients.quorum import AutopilotHealth
from bob.errors import GuardRefused, PreflightRefused, UsageError
from bob.ops.kind import Request
from bob.ops.kinds.maintain import Maintain
from bob.ops.kinds.scale import Scale
from bob.ops.view import ClusterView
from bob.waiting import Deadline


@pytest.fixture
def world() -> World:
    made = World()
    made.deploy("haproxy")
    return made


def on(node: str, *accepted: str) -> Request:
    return Request("maintain", node, {"deadline": 60}, accepted)


def off(node: str) -> Request:
    return Request("maintain", node, {"off": True})


def guards(world: World, view: ClusterView, node: str) -> dict[str, str]:
    return {guard.name: guard.reason for guard in Maintain(world.catalogue).guards(on(node), view)}


def sick(view: ClusterView, *names: str) -> ClusterView:
    """The same cluster with servers that are not healthy in Nomad."""
    health = view.nomad.health
    assert health is not None
    servers = tuple(replace(s, healthy=s.name not in names) for s in health.servers)
    return replace(view, nomad=replace(view.nomad, health=AutopilotHealth(False, 0, servers)))


def test_instances_move_and_the_node_comes_back(world: World) -> None:
    kind, node = Maintain(world.catalogue), world.running_on("haproxy")[0]
    world.carry_out(kind, on(node), "op2")
    assert node not in world.running_on("haproxy")
    assert len(world.running_on("haproxy")) == 2
    assert world.said[-1] == "1 of 1 instances moved"
    assert world.view().wishes[node].state == "maintenance"
    assert not world.view().nodes[node].eligible
    assert kind.done(on(node), world.view()) == f"{node} is in maintenance"
    world.carry_out(kind, off(node), "op3")
    assert world.view().wishes[node].state == "member"
    assert world.view().nodes[node].eligible
    assert kind.done(off(node), world.view()) == f"{node} is in service"


def test_a_node_without_instances_costs_no_look_at_the_cluster() -> None:
    world = World()
    request, looks = on("n4"), []
    steps = Maintain(world.catalogue).steps(request)
    context = world.context(request)
    context.look = lambda *_: looks.append(1)  # type: ignore[func-returns-value]
    for step in steps:
        step.apply(context, Deadline(step.timeout, world.clock))
    assert not world.view().nodes["n4"].eligible
    assert looks == []


def test_maintenance_that_is_taken_back_leaves_the_node_in_service(world: World) -> None:
    context = world.context(on("n1"))
    steps = Maintain(world.catalogue).steps(on("n1"))
    for step in steps:
        step.apply(context, Deadline(step.timeout, world.clock))
    for step in reversed(steps):
        step.undo(context, Deadline(10, world.clock))
    assert world.view().wishes["n1"].state == "member"
    assert world.view().nodes["n1"].eligible


def test_an_unknown_node_is_refused_with_the_known_ones(world: World) -> None:
    with pytest.raises(UsageError, match="no node 'n9'") as refusal:
        world.judge(Maintain(world.catalogue), on("n9"))
    assert "n1, n2, n3, n4" in refusal.value.cure


def test_a_dead_node_is_never_drained(world: World) -> None:
    world.fleet.set_status("n4", "down")
    with pytest.raises(PreflightRefused, match="n4 is down"):
        world.judge(Maintain(world.catalogue), on("n4"))


def test_a_node_that_dies_while_it_is_drained_is_no_longer_drained(world: World) -> None:
    node = world.running_on("haproxy")[0]
    world.carry_out(_scale(world), Request("scale", "haproxy", {"count": 4}), "op2")
    world.fleet.broken.add("haproxy")  # nothing new becomes healthy: the drain cannot end
    for instance in world.fleet.live("haproxy"):
        if instance.host.name != node:
            world.fleet._end(instance, "lost")
    context = world.context(on(node))
    drain = Maintain(world.catalogue).steps(on(node))[1]
    world.time.later(5, lambda: world.fleet.set_status(node, "down"))
    drain.apply(context, Deadline(drain.timeout, world.clock))
    assert world.fleet.host(node).drain_until is None
    assert "is down" in world.said[-1]


def test_a_server_goes_only_when_the_others_are_a_majority(world: World) -> None:
    view = world.view()
    assert guards(world, view, "n1") == {}
    assert "n2 is not healthy in Nomad" in guards(world, sick(view, "n2"), "n1")["quorum-loss"]
    assert guards(world, sick(view, "n1"), "n1") == {}
    assert guards(world, sick(view, "n2"), "n4") == {}
    world.context(on("n2")).records.change_node("n2", state="maintenance")
    assert "n2 is in maintenance" in guards(world, world.view(), "n1")["quorum-loss"]


def test_what_is_not_known_of_the_servers_counts_against_it(world: World) -> None:
    view = world.view()
    unknown = replace(view, nomad=replace(view.nomad, health=None))
    assert "quorum-loss" in guards(world, unknown, "n1")


def test_the_only_node_that_can_hold_a_service_is_guarded(world: World) -> None:
    world.carry_out(_scale(world), Request("scale", "haproxy", {"count": 1}), "op2")
    (node,) = world.running_on("haproxy")
    others = [name for name in ("n1", "n2", "n3", "n4") if name != node]
    for name in others:
        world.fleet.host(name).drivers = frozenset({"docker"})
    with pytest.raises(GuardRefused, match=f"haproxy runs on {node} alone") as refusal:
        world.judge(Maintain(world.catalogue), on(node))
    assert "--accept last-instance" in refusal.value.cure
    world.judge(Maintain(world.catalogue), on(node, "last-instance"))


def test_fewer_nodes_than_instances_are_told_before(world: World) -> None:
    world.carry_out(_scale(world), Request("scale", "haproxy", {"count": 4}), "op2")
    (warning,) = Maintain(world.catalogue).warnings(on("n4"), world.view())
    assert warning.startswith("haproxy will run with 3 of 4 instances")
    assert not list(Maintain(world.catalogue).warnings(off("n4"), world.view()))


def _scale(world: World) -> Scale:
    return Scale(world.catalogue)
