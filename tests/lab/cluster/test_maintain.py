"""A node of a real cluster out of service and back, while its services go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Lab

from bob.context import Context
from bob.ops.cluster_records import ClusterRecords
from bob.waiting import wait_for

SECONDS = 120.0


@pytest.fixture(scope="module")
def services(cluster: Lab) -> Lab:
    cluster.bob("deploy", "demo", "--yes", "--cluster", cluster.sandbox.name)
    wait_for(cluster.healthy, what="healthy", deadline=SECONDS)
    return cluster


@pytest.fixture
def context(services: Lab, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("BOB_STATE", str(services.state))
    return Context.load(services.sandbox.name)


@pytest.fixture
def node(services: Lab, context: Context) -> Iterator[str]:
    """A node with an instance; it is in service again afterwards."""
    name = places(context, "demo")[0]
    yield name
    maintain(services, name, "--off")


def maintain(lab: Lab, *words: str, code: int = 0) -> dict[str, Any]:
    argv = ("maintain", *words, "--yes", "-o", "json", "--cluster", lab.sandbox.name)
    result = lab.bob(*argv, code=code)
    return {"error": result.stderr} if code else json.loads(result.stdout)


def places(context: Context, service: str) -> list[str]:
    found = context.nomad().state.allocations(service)
    return sorted(a.node_name for a in found if a.running and a.desired == "run")


def state_of(context: Context, node: str) -> tuple[str, bool]:
    """What is wished of a node, and whether Nomad places instances there."""
    (found,) = [each for each in context.nomad().state.nodes() if each.name == node]
    return ClusterRecords(context.consul()).nodes()[node].state, found.eligible


def test_instances_move_and_the_node_comes_back(services: Lab, context: Context, node: str) -> None:
    made = maintain(services, node)
    assert made["operation"]["state"] == "done"
    for service in ("demo", "haproxy"):
        assert node not in places(context, service)
        assert len(places(context, service)) == 2
    assert state_of(context, node) == ("maintenance", False)
    assert maintain(services, node)["operation"] is None
    maintain(services, node, "--off")
    assert state_of(context, node) == ("member", True)
    wait_for(services.healthy, what="healthy", deadline=SECONDS)


def test_two_servers_of_three_are_not_taken_out_at_once(
    services: Lab, context: Context, node: str
) -> None:
    maintain(services, node)
    other = next(each.name for each in services.sandbox.nodes if each.name != node)
    refused = maintain(services, other, code=6)["error"]
    assert f"{node} is in maintenance" in refused
    assert "--accept quorum-loss" in refused
    assert state_of(context, other) == ("member", True)


def test_what_makes_no_sense_is_refused(services: Lab) -> None:
    assert "no node 'n9'" in maintain(services, "n9", code=2)["error"]
    assert "--deadline" in maintain(services, "n1", "--deadline", "soon", code=2)["error"]
    assert maintain(services, "n1", "--off")["operation"] is None


def test_a_dead_node_is_not_drained_and_its_instances_run_elsewhere(
    services: Lab, context: Context
) -> None:
    name, node = services.sandbox.name, places(context, "demo")[0]
    services.bob("sandbox", "fault", "power", node, "off", "--name", name)
    try:
        wait_for(
            lambda: node not in {n.name for n in context.nomad().state.nodes() if n.ready},
            what="Nomad finds it down, or has forgotten it", deadline=SECONDS,
        )  # fmt: skip
        assert f"{node} is down" in maintain(services, node, code=3)["error"]
        wait_for(
            lambda: len(set(places(context, "demo")) - {node}) == 2,
            what="its instances run elsewhere", deadline=SECONDS,
        )  # fmt: skip
    finally:
        services.bob("sandbox", "fault", "power", node, "on", "--name", name)
    wait_for(services.healthy, what="healthy with all hosts", deadline=2 * SECONDS)
