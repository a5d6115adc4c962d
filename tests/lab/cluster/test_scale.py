"""Services of a real cluster by the robot: more and fewer instances, drift, and the end of one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import Lab

from bob.clients.nomad import Allocation
from bob.context import Context
from bob.waiting import wait_for

SECONDS = 120.0


@pytest.fixture(scope="module")
def services(cluster: Lab) -> Lab:
    """A cluster with the HTTP entry and nothing else."""
    bob(cluster, "undeploy", "demo")  # what a test before has left
    bob(cluster, "deploy", "haproxy")
    return cluster


@pytest.fixture
def context(services: Lab, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("BOB_STATE", str(services.state))
    return Context.load(services.sandbox.name)


def bob(lab: Lab, *words: str, code: int = 0) -> dict[str, Any]:
    """What a verb prints; its errors when it is refused."""
    argv = (*words, "--yes", "-o", "json", "--cluster", lab.sandbox.name)
    result = lab.bob(*argv, code=code)
    return {"error": result.stderr} if code else json.loads(result.stdout)


def running(context: Context, service: str = "haproxy") -> dict[str, Allocation]:
    found = context.nomad().state.allocations(service)
    return {a.id: a for a in found if a.running and a.desired == "run"}


def await_running(context: Context, count: int) -> None:
    wait_for(
        lambda: len(running(context)) == count,
        what=f"{count} instances", deadline=SECONDS, interval=0.5,
    )  # fmt: skip


def test_instances_are_added_and_removed_and_none_is_replaced(
    services: Lab, context: Context
) -> None:
    two = set(running(context))
    made = bob(services, "scale", "haproxy", "3")
    assert made["operation"]["state"] == "done"
    three = set(running(context))
    assert len(three) == 3
    assert two < three
    assert len({a.node_name for a in running(context).values()}) == 3
    assert bob(services, "scale", "haproxy", "3")["operation"] is None
    bob(services, "scale", "haproxy", "2")
    assert len(running(context)) == 2
    assert set(running(context)) < three


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("scale", "haproxy", "4"), 3, "fits on 3 nodes"),
        (("scale", "haproxy", "0"), 6, "--accept last-instance"),
        (("scale", "nix", "2"), 2, "there is no service 'nix'"),
        (("scale", "demo", "2"), 2, "bob deploy demo"),
        (("undeploy", "nix"), 2, "there is no service 'nix'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_recorded(
    services: Lab, context: Context, words: tuple[str, ...], code: int, said: str
) -> None:
    before = context.consul().kv.keys("bob/history/")
    assert said in bob(services, *words, code=code)["error"]
    assert context.consul().kv.keys("bob/history/") == before
    assert context.consul().kv.keys("bob/ops/") == ()


def test_a_job_that_is_stopped_by_hand_is_back(services: Lab, context: Context) -> None:
    context.nomad().jobs.deregister("haproxy")
    wait_for(lambda: not running(context), what="it is stopped", deadline=SECONDS)
    await_running(context, 2)
    context.nomad().jobs.deregister("haproxy", purge=True)
    wait_for(lambda: context.nomad().jobs.get("haproxy"), what="the job is back", deadline=SECONDS)
    await_running(context, 2)


def test_a_count_that_is_changed_by_hand_is_put_right(services: Lab, context: Context) -> None:
    nomad, before = context.nomad(), set(running(context))

    def registered() -> dict[str, Any]:
        return nomad.jobs.get("haproxy") or {}

    job = registered()
    job["TaskGroups"][0]["Count"] = 3
    nomad.jobs.register(job)
    wait_for(  # maybe sooner than the third one runs
        lambda: registered()["TaskGroups"][0]["Count"] == 2,
        what="two are registered", deadline=SECONDS, interval=0.5,
    )  # fmt: skip
    await_running(context, 2)
    assert len(before & set(running(context))) >= 1


def test_an_undeployed_service_is_gone_and_stays_gone(services: Lab, context: Context) -> None:
    bob(services, "undeploy", "haproxy")
    assert context.nomad().jobs.get("haproxy") is None
    assert context.consul().kv.get("bob/services/haproxy") is None
    assert bob(services, "undeploy", "haproxy")["operation"] is None
    bob(services, "deploy", "haproxy")
    assert len(running(context)) == 2
