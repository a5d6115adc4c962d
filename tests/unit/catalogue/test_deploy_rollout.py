"""When a service counts as up, and why it will not come up."""

from __future__ import annotations

import pytest

from bob.clients.consul import Check, ServiceInstance
from bob.clients.nomad import Allocation
from bob.clients.nomad.rollouts import Deployment
from bob.ops.deploy.rollout import Snapshot, judge

A, B, OLD = (
    f"{letter * 8}-0000-0000-0000-000000000000" for letter in ("a", "b", "c")
)  # ids of allocations


def allocation(
    ident: str,
    *,
    status: str = "running",
    version: int = 1,
    desired: str = "run",
    healthy: bool | None = None,
) -> Allocation:
    return Allocation(
        id=ident, group="web", node_id="n", status=status, healthy=healthy, version=version,
        desired=desired,
    )  # fmt: skip


def instance(ident: str, *, status: str = "passing") -> ServiceInstance:
    name = f"_nomad-task-{ident}-group-web-web-http"
    check = Check("n1", "c", "web", status, "", name, "web")
    return ServiceInstance("n1", name, "web", "10.0.0.1", 80, (), (check,))


def deployment(status: str, version: int = 1) -> Deployment:
    return Deployment(version, status, f"deployment {status}")


def snapshot(
    allocations: list[Allocation], instances: list[ServiceInstance], found: Deployment | None
) -> Snapshot:
    return Snapshot(1, 2, tuple(allocations), found, tuple(instances))


BOTH = [allocation(A), allocation(B)]


@pytest.mark.parametrize(
    ("allocations", "instances", "found", "passing", "serving", "settled"),
    [
        (BOTH, [instance(A), instance(B)], deployment("successful"), 2, True, True),
        (BOTH, [instance(A), instance(B)], None, 2, True, True),
        # a deployment that is not over, and one of an earlier version
        (BOTH, [instance(A), instance(B)], deployment("running"), 2, True, False),
        (BOTH, [instance(A), instance(B)], deployment("failed", version=0), 2, True, True),
        # it came up all the same, later
        (BOTH, [instance(A), instance(B)], deployment("failed"), 2, True, True),
        # nothing is there yet; one has no entry in the catalog; one fails its check
        ([], [], deployment("running"), 0, False, False),
        (BOTH, [instance(A)], deployment("running"), 1, False, False),
        (BOTH, [instance(A), instance(B, status="critical")], None, 1, False, True),
        # what the catalog still holds of a lost or replaced instance does not count
        ([allocation(A), allocation(B, status="lost")], [instance(A), instance(B)], None, 1, False,
         True),
        ([*BOTH, allocation(OLD, version=0)], [instance(A), instance(OLD)], None, 1, False, True),
        ([*BOTH, allocation(OLD, version=0)], [instance(A), instance(B), instance(OLD)], None, 2,
         True, True),
        # one was late: Nomad's deployment waits for ever, but not for what has no verdict yet
        ([allocation(A, healthy=False), allocation(B, healthy=True)], [instance(A), instance(B)],
         deployment("running"), 2, True, True),
        ([allocation(A, healthy=False), allocation(B)], [instance(A), instance(B)],
         deployment("running"), 2, True, False),
        ([allocation(A, healthy=False), allocation(B, healthy=True)], [instance(B)],
         deployment("running"), 1, False, False),
        ([allocation(A, healthy=True), allocation(B, healthy=True)], [instance(A), instance(B)],
         deployment("running"), 2, True, False),
        # one that Nomad has told to stop still runs
        ([*BOTH, allocation(OLD, version=0, desired="stop")], [instance(A), instance(B)], None, 2,
         True, False),
    ],
)  # fmt: skip
def test_an_instance_serves_when_nomad_runs_it_and_consul_sees_it_passing(
    allocations: list[Allocation],
    instances: list[ServiceInstance],
    found: Deployment | None,
    passing: int,
    serving: bool,
    settled: bool,
) -> None:
    verdict = judge(snapshot(allocations, instances, found))
    assert (len(verdict.passing), verdict.serving, verdict.settled) == (passing, serving, settled)
    assert verdict.failure == ""
    assert str(verdict) == f"{passing} of 2 instances passing"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_deployment_that_failed_will_not_come_up(status: str) -> None:
    verdict = judge(snapshot(BOTH, [instance(A)], deployment(status)))
    assert verdict.failure == f"deployment {status}"
    assert not verdict.serving
