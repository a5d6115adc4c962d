"""Deploy, scale and undeploy on a fleet in memory: what is refused, what is done, what is left."""

from __future__ import annotations

import pytest
from service_world import IMAGE, World

from bob.errors import DeadlinePassed, GuardRefused, PreflightRefused, UsageError
from bob.ops.kind import Request
from bob.ops.kinds.deploy import Deploy
from bob.ops.kinds.scale import Scale
from bob.ops.kinds.undeploy import Undeploy
from bob.ops.services.jobs import EPOCH, OPERATION
from bob.waiting import Deadline

DEPLOY_DEMO = Request("deploy", "demo", {"images": {"demo": IMAGE}})


@pytest.fixture
def world() -> World:
    return World()


def scaled(count: object, service: str = "haproxy", accepted: tuple[str, ...] = ()) -> Request:
    return Request("scale", service, {"count": count}, accepted)


def lame(world: World, drivers: frozenset[str] = frozenset()) -> frozenset[str]:
    """Leave every host with these drivers; what it had."""
    had: frozenset[str] = frozenset()
    for host in world.fleet.hosts.values():
        had, host.drivers = host.drivers, drivers
    return had


def test_a_service_comes_up_with_what_it_depends_on(world: World) -> None:
    world.carry_out(Deploy(world.catalogue), DEPLOY_DEMO)
    assert (len(world.running_on("haproxy")), len(world.running_on("demo"))) == (2, 2)
    wish = world.wish("demo")
    assert (wish.count, wish.image, wish.job_version) == (2, IMAGE, 0)
    assert world.job("demo")["Meta"] == {OPERATION: "op1", EPOCH: "7"}
    assert world.said[0] == "registering haproxy"
    assert Deploy(world.catalogue).done(DEPLOY_DEMO, world.view()) == "demo is deployed"


def test_what_holds_an_instance_up_is_told_while_it_is_waited_for(world: World) -> None:
    world.fleet.broken.add("haproxy")
    with pytest.raises(DeadlinePassed, match="haproxy healthy"):
        world.deploy()
    assert "haproxy: 0 of 2 instances passing" in world.said
    reason = "haproxy: 0 of 2 instances passing (n1, task haproxy: Task started by client)"
    assert reason in world.said
    assert world.said.index(reason) > world.said.index("haproxy: 0 of 2 instances passing")


def test_a_host_that_has_just_come_back_is_waited_for(world: World) -> None:
    world.deploy()
    drivers = lame(world)
    world.time.later(20, lambda: lame(world, drivers))
    world.carry_out(Scale(world.catalogue), scaled(3))
    assert len(world.running_on("haproxy")) == 3
    assert any("waiting for a place: group haproxy" in sentence for sentence in world.said)


def test_a_service_that_fits_nowhere_is_given_up_and_its_job_left(world: World) -> None:
    world.deploy()
    before = world.job("haproxy")
    lame(world)
    with pytest.raises(PreflightRefused, match="no place for it; its job was not changed"):
        world.carry_out(Scale(world.catalogue), scaled(3))
    assert world.job("haproxy") == before


def test_a_deployment_holds_the_service_and_what_it_depends_on(world: World) -> None:
    kind = Deploy(world.catalogue)
    assert kind.scopes(DEPLOY_DEMO, world.view()) == ("service/demo", "service/haproxy")


def test_an_image_must_be_named_by_somebody_once(world: World) -> None:
    kind, bare = Deploy(world.catalogue), Request("deploy", "demo")
    with pytest.raises(UsageError, match="which image"):
        world.judge(kind, bare)
    world.carry_out(kind, DEPLOY_DEMO)
    world.judge(kind, bare)


def test_a_deployment_again_keeps_the_number_of_instances_and_every_instance(world: World) -> None:
    world.deploy("haproxy")
    world.carry_out(Scale(world.catalogue), scaled(3), "op2")
    before = {a.id for a in world.nomad.state.allocations("haproxy") if a.desired == "run"}
    world.deploy("haproxy", "op3")
    after = {a.id for a in world.nomad.state.allocations("haproxy") if a.desired == "run"}
    assert (len(after), after) == (3, before)
    assert world.job("haproxy")["Meta"][OPERATION] == "op0"


@pytest.mark.parametrize("count", [4, 1])
def test_scaling_adds_and_removes_instances_and_replaces_none(world: World, count: int) -> None:
    world.deploy("haproxy")
    before = {a.id for a in world.nomad.state.allocations("haproxy")}
    world.carry_out(Scale(world.catalogue), scaled(count), "op2")
    assert len(world.running_on("haproxy")) == count
    after = {a.id for a in world.nomad.state.allocations("haproxy") if a.desired == "run"}
    assert before <= after or after <= before
    wish = world.wish("haproxy")
    assert (wish.count, wish.operation) == (count, "op2")
    assert wish.before is not None
    assert wish.before.count == 2
    assert "already" in Scale(world.catalogue).done(scaled(count), world.view())


@pytest.mark.parametrize(
    ("request_", "error", "reason"),
    [
        (scaled(5), PreflightRefused, "fits on 4 nodes .*5 instances"),
        (scaled(-1), UsageError, "-1 is no number"),
        (scaled("two"), UsageError, "'two' is no number"),
        (scaled(3, "demo"), UsageError, "not deployed"),
        (scaled(3, "nix"), UsageError, "no service 'nix'"),
        (scaled(0), GuardRefused, "serves nobody"),
    ],
)
def test_a_count_that_cannot_be_is_refused_and_changes_nothing(
    world: World, request_: Request, error: type[Exception], reason: str
) -> None:
    world.deploy("haproxy")
    with pytest.raises(error, match=reason):
        world.judge(Scale(world.catalogue), request_)


def test_a_service_has_its_smallest_number_of_instances(world: World) -> None:
    world.deploy("haproxy")
    kind = Scale(world.catalogue)
    needy = world.catalogue.service("haproxy").model_copy(update={"minimum": 2})
    world.catalogue._read["haproxy"] = needy
    with pytest.raises(UsageError, match="at least 2 instances, 1 were asked for"):
        world.judge(kind, scaled(1))
    world.judge(kind, scaled(3))


def test_nodes_in_maintenance_and_nodes_that_are_down_hold_nothing(world: World) -> None:
    world.deploy("haproxy")
    world.context(scaled(3)).records.change_node("n4", state="maintenance")
    world.fleet.set_status("n3", "down")
    with pytest.raises(PreflightRefused, match=r"fits on 2 nodes \(n1, n2\)"):
        world.judge(Scale(world.catalogue), scaled(3))


def test_zero_instances_are_possible_when_the_guard_is_named(world: World) -> None:
    world.deploy("haproxy")
    world.carry_out(Scale(world.catalogue), scaled(0, accepted=("last-instance",)), "op2")
    assert world.running_on("haproxy") == []


def test_a_scaling_that_is_taken_back_wishes_what_was_before(world: World) -> None:
    world.deploy("haproxy")
    steps = Scale(world.catalogue).steps(scaled(4))
    context = world.context(scaled(4), "op2")
    for _ in range(2):  # a second leader applies the first step again
        steps[0].apply(context, Deadline(10, world.clock))
    assert world.wish("haproxy").count == 4
    steps[0].undo(context, Deadline(10, world.clock))
    assert world.wish("haproxy").count == 2


def test_a_first_deployment_that_is_taken_back_leaves_no_wish_and_nothing_running(
    world: World,
) -> None:
    request = Request("deploy", "haproxy")
    steps = Deploy(world.catalogue).steps(request)
    context = world.context(request)
    steps[0].apply(context, Deadline(10, world.clock))
    steps[1].apply(context, Deadline(60, world.clock))
    steps[0].undo(context, Deadline(10, world.clock))
    assert "haproxy" not in world.view().services
    assert world.running_on("haproxy") == []


def test_an_undeployed_service_is_gone_everywhere(world: World) -> None:
    world.deploy("haproxy")
    request = Request("undeploy", "haproxy")
    world.carry_out(Undeploy(world.catalogue), request, "op2")
    assert (dict(world.view().services), dict(world.view().jobs)) == ({}, {})
    assert Undeploy(world.catalogue).done(request, world.view()) == "haproxy is not deployed"


def test_what_others_depend_on_is_not_undeployed(world: World) -> None:
    world.deploy("demo")
    with pytest.raises(GuardRefused, match="demo cannot do without haproxy"):
        world.judge(Undeploy(world.catalogue), Request("undeploy", "haproxy"))


def test_another_definition_in_the_catalogue_does_not_replace_instances_of_a_scaled_service(
    world: World,
) -> None:
    """A Bob that was upgraded scales what is there; only a deployment rolls the new one out."""
    world.deploy("haproxy")
    wish = world.wish("haproxy").model_copy(update={"definition": "older"})
    world.consul.kv.put("bob/services/haproxy", wish.model_dump_json())
    before = world.job("haproxy")["Definition"]
    world.fleet.jobs["haproxy"]["Definition"] = "older text"
    world.carry_out(Scale(world.catalogue), scaled(3), "op2")
    assert world.job("haproxy")["Definition"] == "older text"
    world.deploy("haproxy", "op3")
    assert world.job("haproxy")["Definition"] == before
    assert len(world.running_on("haproxy")) == 3
