"""Agents restart server by server, then clients in groups, and never while a server is unwell."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest
from service_world import World

from bob.errors import BobError, DeadlinePassed
from bob.ops.context import OperationContext
from bob.ops.kind import Request
from bob.ops.rotation import roll_out
from bob.ops.rotation.absence import ABSENT_NODES
from bob.ops.rotation.roll_out import RollOut
from bob.ops.rotation.tokens import ToEverybody
from bob.ops.servers import configure
from bob.ops.servers.rolling import GROUP, Rolling
from bob.ops.step import Step
from bob.ops.tasks import TASKS
from bob.ops.upgrade.steps import ActivateBob, ActivateNomad
from bob.ops.view import ClusterView
from bob.waiting import Deadline

NODES = tuple(f"n{number}" for number in range(1, 12))
CLIENTS = [{"n4", "n5", "n6", "n7", "n8"}, {"n9", "n10", "n11"}]
PROGRAMS = {"programs": {"nomad": "/new/nomad", "bob-agent": "/new/bob"}}


class Agents:
    """Does every task at the next look, but for those of `broken`, which fail.

    `done` has what each look found: nodes whose task began together are together in it.
    """

    def __init__(self, world: World, broken: str = "") -> None:
        self.world, self.broken = world, broken
        self.done: list[set[str]] = []
        self.asked: list[dict[str, Any]] = []
        world.clock = replace(world.clock, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.world.time.advance(seconds)
        together = set()
        for entry in self.world.consul.kv.list(TASKS):
            task = entry.json()
            node = entry.key.split("/")[2]
            if task["state"] != "pending":
                continue
            together.add(node)
            self.asked.append(task["args"])
            end = (
                {"state": "failed", "error": "it broke"}
                if node == self.broken
                else {"state": "done"}
            )
            self.world.consul.kv.put(entry.key, json.dumps(task | end))
        if together:
            self.done.append(together)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    for module in (configure, roll_out):
        monkeypatch.setattr(module, "wanted_files", lambda *_: ())
    monkeypatch.setattr(configure, "grant", lambda *_: None)
    made = World(NODES)
    made.time.advance(60)  # every server has been stable for long enough
    return made


def context_of(world: World, **params: Any) -> OperationContext:
    made = world.context(Request("upgrade", "c1", params))
    world.store_running(made.operation)
    return made


def without(world: World, away: Collection[str]) -> Callable[..., ClusterView]:
    """Looks at the cluster in which gossip does not know these nodes."""

    def look(*_: object) -> ClusterView:
        view = world.view()
        members = {net: {n: m for n, m in seen.items() if n not in away}
                   for net, seen in view.members.items()}  # fmt: skip
        return replace(view, members=members)

    return look


def carry_out(step: Step[OperationContext], context: OperationContext) -> None:
    step.apply(context, Deadline(step.timeout, context.clock))


@pytest.mark.parametrize("step", [RollOut(), ActivateNomad()], ids=["roll-out", "upgrade"])
def test_servers_go_one_by_one_the_leader_last_then_clients_in_groups(
    world: World, step: Rolling
) -> None:
    agents, context = Agents(world), context_of(world, **PROGRAMS)
    assert "n2" in step.lack(context, context.view())
    carry_out(step, context)
    assert agents.done == [{"n2"}, {"n3"}, {"n1"}, *CLIENTS]
    assert step.lack(context, context.view()) == ""
    assert all(len(group) <= GROUP for group in agents.done)


def test_another_leader_goes_on_with_those_that_are_left(world: World) -> None:
    first, context = Agents(world, broken="n3"), context_of(world, **PROGRAMS)
    with pytest.raises(BobError, match="n3: it broke"):
        carry_out(ActivateNomad(), context)
    assert first.done == [{"n2"}, {"n3"}], "nobody is touched after the first that fails"
    second = Agents(world)
    again = context.operation.model_copy(update={"failures": 1})
    carry_out(ActivateNomad(), replace(context, operation=again, clock=world.clock))
    assert second.done == [{"n3"}, {"n1"}, *CLIENTS]


def test_a_new_bob_proves_that_it_runs(world: World) -> None:
    agents, context = Agents(world), context_of(world, **PROGRAMS)
    carry_out(ActivateBob(), context)
    assert agents.done[:4] == [{"n2"}, {"n2"}, {"n3"}, {"n3"}]
    assert agents.asked[0]["programs"] == {"bob-agent": "/new/bob"}
    assert [bool(args.get("look")) for args in agents.asked[:2]] == [False, True]


def test_a_node_that_is_dead_is_left_out(world: World) -> None:
    agents = Agents(world)
    carry_out(ActivateNomad(), replace(context_of(world, **PROGRAMS), look=without(world, {"n7"})))
    assert "n7" not in [node for group in agents.done for node in group]


def test_tokens_are_brought_to_a_node_that_comes_back_or_was_given_up(world: World) -> None:
    away = {"n7"}
    look = without(world, away)
    agents, context = Agents(world), replace(context_of(world, **PROGRAMS), look=look)
    with pytest.raises(DeadlinePassed, match="every node there"):
        carry_out(ToEverybody(), context)
    assert agents.done == []
    assert "waiting: n7 not there: it would be locked out" in world.said
    given_up = context.operation.model_copy(update={"accepted": (ABSENT_NODES,)})
    carry_out(ToEverybody(), replace(context, operation=given_up, clock=world.clock))
    assert "n7" in ToEverybody().lack(context, context.view())
    away.clear()
    carry_out(ToEverybody(), replace(context, clock=world.clock))
    assert agents.done[-1] == {"n7"}
    assert ToEverybody().lack(context, context.view()) == ""


def test_no_server_is_touched_while_another_one_is_unwell(world: World) -> None:
    def look(*_: object) -> ClusterView:
        view = world.view()
        assert view.nomad.health is not None
        servers = tuple(replace(s, healthy=s.name != "n3") for s in view.nomad.health.servers)
        return replace(
            view, nomad=replace(view.nomad, health=replace(view.nomad.health, servers=servers))
        )

    agents, context = Agents(world), replace(context_of(world, **PROGRAMS), look=look)
    with pytest.raises(DeadlinePassed, match="every server sound"):
        carry_out(RollOut(), context)
    assert agents.done == []
    assert "waiting: n3 is not healthy in Nomad" in world.said
