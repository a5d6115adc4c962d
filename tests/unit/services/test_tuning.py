"""Settings that follow the number of nodes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from service_world import World, inventory

from bob.errors import PreflightRefused
from bob.ops.kind import Request
from bob.ops.kinds.tune import Tune
from bob.ops.servers import settle
from bob.ops.tasks import TASKS
from bob.ops.tuning.settings import settings_for
from bob.ops.view import ClusterView
from bob.robot.duties.heartbeats import Heartbeats
from bob.robot.duty import Do, Wish

NEW = settings_for(60)
REQUEST = Request("tune", "c1", {"settings": NEW})


class Agents:
    """The agents of all nodes: a task is done at the next look, and noted."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.done: list[tuple[str, Any]] = []

    def sleep(self, seconds: float) -> None:
        self.world.time.advance(seconds)
        for entry in self.world.consul.kv.list(TASKS):
            task = entry.json()
            if task["state"] == "pending":
                node = entry.key.split("/")[2]
                self.done.append((node, task["args"].get("restart")))
                self.world.consul.kv.put(entry.key, json.dumps(task | {"state": "done"}))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(settle, "wanted_files", lambda *_: ())
    return World()


def view_of(nodes: int, tuning: dict[str, Any] | None, **more: Any) -> ClusterView:
    view = World().view()
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    return replace(view, cluster=inventory(names), tuning=tuning, **more)


def test_a_young_cluster_notes_what_its_files_have(world: World) -> None:
    (action,) = Heartbeats().decide(view_of(4, None), 0.0, {})
    assert isinstance(action, Do)
    context = world.context(REQUEST)
    action.act(context)
    entry = world.consul.kv.get("bob/tuning")
    assert entry is not None
    assert entry.json() == settings_for(4)


@pytest.mark.parametrize(("before", "after", "changes"), [
    (3, 32, False), (32, 33, True), (50, 51, True), (51, 60, False), (100, 101, True),
    (120, 60, True),
])  # fmt: skip
def test_only_a_threshold_makes_a_difference(before: int, after: int, changes: bool) -> None:
    found = Heartbeats().decide(view_of(after, settings_for(before)), 0.0, {})
    assert [type(action) for action in found] == ([Wish] if changes else [])


def test_nothing_is_begun_while_servers_change() -> None:
    view = view_of(60, settings_for(3), held={"servers": "op"})
    assert Heartbeats().decide(view, 0.0, {}) == ()


def test_every_node_gets_the_files_and_servers_restart_one_by_one_the_leader_last(
    world: World,
) -> None:
    agents = Agents(world)
    world.clock = replace(world.clock, sleep=agents.sleep)
    made = world.carry_out(Tune(), REQUEST)
    assert made.state == "done"
    assert {node for node, restart in agents.done if not restart} == {"n1", "n2", "n3", "n4"}
    assert [node for node, restart in agents.done if restart] == ["n2", "n3", "n1"]
    assert Tune().done(REQUEST, world.view()) == "these settings are in force"


def test_servers_that_are_not_sound_are_left_alone(world: World) -> None:
    view = world.view()
    health = view.nomad.health
    assert health is not None
    sick = replace(health, servers=tuple(replace(s, healthy=False) for s in health.servers))
    with pytest.raises(PreflightRefused, match="n1 is not healthy"):
        Tune().check(REQUEST, replace(view, nomad=replace(view.nomad, health=sick)))
