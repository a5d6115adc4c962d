"""What happens to a roll-out when Consul, a template, a node or a port is not as it should be."""

from __future__ import annotations

from typing import Any

import pytest
from rollout_desk import JOB, SECONDS, SERVICE, Desk

from bob.clients.nomad import Nomad
from bob.ops.configuration.store import newest
from bob.ops.record import Operation
from bob.ops.services import placing
from bob.ops.states import State, StepState
from bob.waiting import wait_for

LOG_BYTES = 1000
HOLDER = """\
job "NAME" {
  datacenters = ["*"]
  group "NAME" {
    count = COUNT
    network {
      mode = "host"
      port "x" { static = PORT }
    }
    task "NAME" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["3600"]
      }
      resources {
        cpu    = 10
        memory = 10
      }
    }
  }
}
"""
PORT = 23450


def says(nomad: Nomad, service: str, allocation: str) -> str:
    return nomad.rollouts.log(allocation, service, "stdout", LOG_BYTES)


def events(desk: Desk, service: str) -> str:
    return "\n".join(event.message for event in desk.nomad.rollouts.events(service))


def error(operation: Operation) -> str:
    """What the operation failed with."""
    assert operation.state is State.FAILED
    return next(s.error for s in operation.steps if s.state is StepState.FAILED)


def impatient(seconds: int) -> str:
    """The service; what is not healthy so soon is taken for unhealthy."""
    return SERVICE.replace("deadline: 600", f"deadline: {seconds}")


def test_a_new_leader_of_consul_in_the_middle_of_a_roll_out(desk: Desk, service: str) -> None:
    desk.done(desk.deploy(service))
    before = set(desk.live(service))
    operation = desk.submit("configure", service, values={"size": "5"})
    wait_for(
        lambda: desk.live(service).keys() - before, what="a new instance", deadline=SECONDS
    )  # fmt: skip
    lost = desk.servers.lose_the_leader()
    try:
        desk.done(operation)
        assert desk.servers.leader() not in ("", lost)
        live = desk.live(service)
        assert len(live) == 3
        assert not before & live.keys()
        assert {each.version for each in live.values()} == {1}
        made = [a for a in desk.nomad.state.allocations(service) if a.version == 1]
        assert len(made) == 3, "each instance was replaced once"
        assert newest(desk.consul, service).number == 1
        assert {says(desk.nomad, service, each) for each in live} == {"size = 5\n"}
    finally:
        desk.servers.bring_back(lost)


def test_a_service_that_cannot_read_its_configuration_waits_for_it(
    desk: Desk, service: str
) -> None:
    """Longer than Nomad itself waits for a new instance to be healthy."""
    desk.way.kv_is_lost = True
    operation = desk.deploy(service, text=impatient(2))

    def late() -> bool:
        found = desk.nomad.state.allocations(service)
        unhealthy = len(found) == 3 and all(each.healthy is False for each in found)
        return unhealthy and "Missing: kv." in events(desk, service)

    wait_for(late, what="Nomad takes them for unhealthy, and says why", deadline=SECONDS)
    assert desk.look(operation).state is State.RUNNING
    assert {a.status for a in desk.nomad.state.allocations(service)} == {"pending"}
    desk.way.kv_is_lost = False
    desk.done(operation)
    assert {says(desk.nomad, service, each) for each in desk.live(service)} == {"size = 3\n"}


def test_instances_outlive_the_loss_of_their_configuration(desk: Desk, service: str) -> None:
    desk.done(desk.deploy(service))
    before = set(desk.live(service))
    desk.way.kv_is_lost = True
    operation = desk.submit("configure", service, values={"size": "5"})
    wait_for(lambda: "Missing: kv." in events(desk, service), what="it waits", deadline=SECONDS)
    assert len(before & desk.live(service).keys()) == 2, "one at a time"
    desk.way.kv_is_lost = False
    desk.done(operation)
    assert {says(desk.nomad, service, each) for each in desk.live(service)} == {"size = 5\n"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{{ key "no/such/key" }}', "Missing: kv.block(no/such/key)"),
        ("{{ nonsense }}", 'function "nonsense" not defined'),
    ],
)
def test_a_template_that_does_not_render_stops_the_roll_out_at_the_first_instance(
    desk: Desk, service: str, text: str, reason: str
) -> None:
    desk.done(desk.deploy(service, text=impatient(10)))
    before = set(desk.live(service))
    found = desk.ended(desk.submit("configure", service, texts={"thing.conf": text}))
    assert "version before is back" in error(found)
    assert reason in error(found)

    wait_for(lambda: len(desk.live(service)) == 3, what="three again", deadline=SECONDS)
    live = desk.live(service)
    assert len(before & live.keys()) == 2, "the others were not touched"
    assert {says(desk.nomad, service, each) for each in live} == {"size = 3\n"}


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        pytest.param(
            JOB.replace("memory = 10", "memory = 900000"), "without enough memory", id="memory"
        ),
        pytest.param(
            JOB.replace(
                "    network {",
                '    constraint {\n      attribute = "${attr.kernel.name}"\n'
                '      value     = "plan9"\n    }\n    network {',
            ),
            "excluded by ${attr.kernel.name} = plan9",
            id="a constraint",
        ),
        pytest.param(
            JOB.replace('driver = "raw_exec"', 'driver = "qemu"'), "missing drivers", id="driver"
        ),
        pytest.param(
            JOB.replace(
                '      mode = "host"\n',
                f'      mode = "host"\n      port "x" {{ static = {PORT} }}\n',
            ),
            f"reserved port collision x={PORT}",
            id="a port that something else has",
        ),
    ],
)
def test_what_has_no_place_is_refused_with_what_forbids_it(
    desk: Desk, service: str, job: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "PLACE_SECONDS", 2.0)
    jobs, holder = desk.nomad.jobs, f"holder-{service}"
    text = HOLDER.replace("NAME", holder).replace("PORT", str(PORT))
    # Nomad gives a port away once for each family of addresses that the node has.
    jobs.register(jobs.parse(text.replace("COUNT", "2")))
    more = jobs.parse(text.replace("COUNT", "1").replace(holder, f"{holder}-more"))
    try:
        wait_for(lambda: jobs.plan(more).unplaced, what="the port is taken", deadline=SECONDS)
        found = desk.ended(desk.deploy(service, job, SERVICE.replace("count: 3", "count: 1")))
        assert "the cluster has no place for it; its job was not changed" in error(found)
        assert reason in error(found)
        assert jobs.get(service) is None
    finally:
        jobs.deregister(holder, purge=True)


def test_a_service_goes_on_though_the_folder_it_came_from_is_gone(desk: Desk, service: str) -> None:
    """Nobody here has its files but Consul."""
    desk.done(desk.deploy(service))
    for kind, params in (
        ("configure", {"values": {"size": "5"}}),
        ("scale", {"count": 1}),
        ("restart", {}),
    ):
        before = set(desk.live(service))
        change: dict[str, Any] = dict(params)
        desk.done(desk.submit(kind, service, **change))
        assert set(desk.live(service)) != before
    (last,) = desk.live(service)
    assert says(desk.nomad, service, last) == "size = 5\n"
