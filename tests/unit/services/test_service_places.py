"""Where instances run, how many there are, and what follows when the cluster changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catalogue_world
import pytest
from service_world import World

from bob.errors import UsageError
from bob.ops.kind import Request
from bob.ops.kinds.deploy import Deploy
from bob.ops.kinds.scale import Scale
from bob.ops.services.constraints import completed
from bob.ops.services.places import choose
from bob.ops.services.wishes import Wanted
from bob.robot.duties.services import ServiceKeeper
from bob.robot.duty import Do, Memory

ZONES = {"n1": "a", "n2": "a", "n3": "b", "n4": "c"}


@pytest.mark.parametrize(
    ("count", "kept", "near", "far", "chosen"),
    [
        (1, (), (), (), ("n1",)),
        (2, (), (), (), ("n1", "n3")),
        (3, (), (), (), ("n1", "n3", "n4")),
        (4, (), (), (), ("n1", "n3", "n4", "n2")),
        (9, (), (), (), ("n1", "n3", "n4", "n2")),
        (2, ("n3",), (), (), ("n3", "n1")),
        (1, ("n3", "n4"), (), (), ("n3", "n4")),
        (1, (), ("n4",), (), ("n4",)),
        (1, (), (), ("n1", "n2", "n3"), ("n4",)),
        (1, (), ("n1",), ("n1",), ("n2",)),
        (2, (), ("n1", "n2"), (), ("n1", "n3")),
        (2, ("gone",), (), (), ("gone", "n1")),
    ],
)
def test_nodes_are_chosen_by_zone_then_by_what_is_sought_and_avoided(
    count: int, kept: tuple[str, ...], near: Any, far: Any, chosen: tuple[str, ...]
) -> None:
    assert choose(count, kept, ZONES, ZONES, near, far) == chosen


@pytest.fixture
def world(tmp_path: Path) -> World:
    return catalogue_world.world(tmp_path)


def group(world: World, service: str) -> dict[str, Any]:
    found: dict[str, Any] = world.job(service)["TaskGroups"][0]
    return found


def test_a_service_with_data_stays_on_its_nodes(world: World) -> None:
    world.deploy("base")
    nodes = world.wish("base").nodes
    assert nodes == ("n1", "n2")
    assert group(world, "base")["Constraints"][-1] == {
        "LTarget": "${node.unique.name}", "RTarget": "n1,n2", "Operand": "set_contains_any",
    }  # fmt: skip
    world.fleet.set_status("n1", "down")
    world.deploy("base", "op1")
    assert world.wish("base").nodes == nodes


def test_data_does_not_move_away_from_a_node_in_maintenance_but_from_one_that_has_left(
    world: World,
) -> None:
    world.deploy("base")
    world.context(Request("x", "x")).records.change_node("n1", state="maintenance")
    world.deploy("base", "op1")
    assert (world.wish("base").nodes, keep(world, {})) == (("n1", "n2"), [])
    world.context(Request("x", "x")).records.set_node("n1", None)
    assert keep(world, {}) == ["base: of n1, n2 some have left, so it is registered again"]
    assert world.wish("base").nodes == ("n2", "n3")


def test_more_instances_get_more_nodes_and_keep_the_old_ones(world: World) -> None:
    world.deploy("base")
    world.carry_out(Scale(world.catalogue), Request("scale", "base", {"count": 3}), "op1")
    assert world.wish("base").nodes == ("n1", "n2", "n3")


def test_a_service_runs_beside_its_data_and_another_away_from_it(world: World) -> None:
    world.deploy("beside")
    assert world.wish("beside").nodes == world.wish("base").nodes
    world.deploy("thing", "op1")
    assert world.wish("thing").far == ("n1", "n2")
    affinity = group(world, "thing")["Affinities"][-1]
    assert (affinity["RTarget"], affinity["Weight"]) == ("n1,n2", -50)


def test_instances_are_spread_over_zones_unless_the_job_says_how() -> None:
    job = {"ID": "x", "Meta": None, "TaskGroups": [{"Name": "other"}, {"Name": "x"}]}
    made = completed(job, "x", Wanted(count=1))
    assert made["TaskGroups"][1]["Spreads"][0]["Attribute"] == "${meta.zone}"
    assert made["TaskGroups"][0] == {"Name": "other"}
    assert made["Meta"] is None
    own = {"ID": "x", "Meta": {}, "TaskGroups": [{"Name": "x", "Spreads": ["own"]}]}
    assert completed(own, "x", Wanted(count=1))["TaskGroups"][0]["Spreads"] == ["own"]


def keep(world: World, memory: Memory) -> list[str]:
    """One look of the reconciler; what it did."""
    actions = ServiceKeeper(world.catalogue).decide(world.view(), world.time.now(), memory)
    done = [action for action in actions if isinstance(action, Do)]
    for action in done:
        action.act(world.context(Request("none", "none")))
    return [action.title for action in done]


def test_the_number_of_instances_follows_the_cluster(world: World) -> None:
    world.context(Request("x", "x")).records.change_node("n4", state="maintenance")
    world.deploy("thing")
    assert world.wish("thing").count == 2
    assert keep(world, {}) == []
    world.context(Request("x", "x")).records.change_node("n4", state="member")
    assert keep(world, {}) == [
        "thing: 2 instances, by now 3 fit the cluster, so it is registered again"
    ]
    assert world.wish("thing").count == 3
    assert world.job("thing")["TaskGroups"][0]["Count"] == 3
    assert keep(world, {}) == []


def test_one_on_each_node_follows_nodes_that_come_and_go(world: World) -> None:
    world.deploy("each")
    assert world.wish("each").count == 4
    world.context(Request("x", "x")).records.change_node("n4", state="leaving")
    assert len(keep(world, {})) == 1
    assert world.wish("each").count == 3


def test_what_an_operator_settled_does_not_follow_until_it_is_auto_again(world: World) -> None:
    world.deploy("thing")
    kind = Scale(world.catalogue)
    world.carry_out(kind, Request("scale", "thing", {"count": 1}), "op1")
    assert (keep(world, {}), world.wish("thing").scaled) == ([], True)
    world.deploy("thing", "op2")
    assert world.wish("thing").count == 1
    auto = Request("scale", "thing", {"count": "auto"})
    assert kind.done(auto, world.view()) == ""
    world.carry_out(kind, auto, "op3")
    assert (world.wish("thing").count, world.wish("thing").scaled) == (3, False)
    assert "already" in kind.done(auto, world.view())


def test_a_service_beside_another_follows_it_but_not_in_the_middle_of_its_update(
    world: World,
) -> None:
    world.deploy("beside")
    wish = world.wish("base").model_copy(update={"nodes": ("n3", "n4")})
    world.consul.kv.put("bob/services/base", wish.model_dump_json())
    assert keep(world, {}) == ["beside: base is on n3, n4 by now, so it is registered again"]
    assert world.wish("beside").nodes == ("n3", "n4")
    world.context(Request("x", "x")).records.change_node("n3", state="maintenance")
    assert keep(world, {}) == ["beside: base is on n4 by now, so it is registered again"]
    world.context(Request("x", "x")).records.change_node("n4", state="maintenance")
    assert keep(world, {}) == []
    assert world.wish("beside").nodes == ("n4",)


def test_a_service_on_each_node_has_no_number(world: World) -> None:
    world.deploy("each")
    with pytest.raises(UsageError, match="each runs on each node"):
        world.judge(Scale(world.catalogue), Request("scale", "each", {"count": 2}))


WEB = {
    "web/service.yaml": "title: Ours\ndriver: raw_exec\ncount: 1\n",
    "web/job.nomad.hcl.j2": catalogue_world.BARE,
}


def test_an_operators_service_travels_with_its_deployment_and_stays(world: World) -> None:
    kind, request = Deploy(world.catalogue), Request("deploy", "web", {"catalogue": {"web": WEB}})
    assert kind.scopes(request, world.view()) == ("service/web",)
    assert kind.done(request, world.view()) == ""
    world.carry_out(kind, request, "op1")
    assert world.view().catalogue == WEB
    assert world.running_on("web") == ["n1"]
    assert kind.done(request, world.view()) == "web is deployed"
    # The folder may be gone: the robot has what it needs to repair and to scale.
    world.nomad.jobs.deregister("web")
    assert keep(world, {}) == ["web: its job was stopped, so it is registered again"]
    world.carry_out(Scale(world.catalogue), Request("scale", "web", {"count": 2}), "op2")
    assert len(world.running_on("web")) == 2


def test_files_that_the_folder_no_longer_has_are_forgotten(world: World) -> None:
    kind = Deploy(world.catalogue)
    more = {**WEB, "web/notes": "x"}
    world.carry_out(kind, Request("deploy", "web", {"catalogue": {"web": more}}), "op1")
    world.carry_out(kind, Request("deploy", "web", {"catalogue": {"web": WEB}}), "op2")
    assert world.view().catalogue == WEB
