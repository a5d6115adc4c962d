"""What `bob status` says of Bob itself."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock
from status_builders import (
    CHECKS,
    MemberStatus,
    NetworkName,
    check,
    consul_view,
    context,
    members,
    raft,
    silent,
    snapshot,
    with_consul,
    with_robot,
)

from bob.ops.record import Operation, StepRecord
from bob.ops.states import State, StepState
from bob.pause import Pause
from bob.status.decide import decide
from bob.status.render import render
from bob.status.robot import OperationLine, RobotView, look
from bob.status.snapshot import Snapshot, Unknown

MGMT = NetworkName.MGMT


def agent_check(node: str, status: str, output: str = "") -> Snapshot:
    found = replace(check(node, status), service_name="bob", output=output)
    return with_consul(MGMT, checks=(*CHECKS, found))


def test_the_leader_its_epoch_and_its_sentence() -> None:
    found = decide(context(), agent_check("n2", "passing", "leader epoch 42: watching\n"))
    assert found.healthy
    assert found.as_json()["robot"] == {
        "leader": "n2", "epoch": 42, "sentence": "leader epoch 42: watching", "paused": None,
    }  # fmt: skip


def test_the_word_of_another_agent_is_not_the_leaders() -> None:
    assert decide(context(), agent_check("n1", "passing", "follows")).robot.sentence == ""


@pytest.mark.parametrize(
    ("seen", "complaint"),
    [
        (with_robot(leader=""), "no agent leads: nothing is repaired, and no operation goes on"),
        (
            replace(snapshot(), robot=Unknown("no answer in time")),
            "what the robot does is not known (no answer in time)",
        ),
        (
            with_robot(operations=(OperationLine("01A", "move", "n4", "failed", "no road"),)),
            "operation move n4 failed: no road (bob op show 01A)",
        ),
        (agent_check("n4", "critical", "TTL expired"), "n4: bob-agent is critical: TTL expired"),
    ],
)
def test_what_needs_attention(seen: Snapshot, complaint: str) -> None:
    found = decide(context(), seen)
    assert found.complaints == (complaint,)
    assert found.as_json()["reasons"] == [complaint]
    assert not found.healthy


@pytest.mark.parametrize("state", ["pending", "running", "paused", "aborting"])
def test_an_operation_under_way_is_no_complaint(state: str) -> None:
    assert decide(
        context(), with_robot(operations=(OperationLine("01A", "move", "n4", state),))
    ).healthy


def test_a_failed_operation_is_no_reason_for_which_init_would_wait() -> None:
    line = OperationLine("01A", "move", "n4", "failed")
    assert decide(context(), with_robot(operations=(line,))).reasons == ()


def test_without_consul_the_robot_is_not_blamed_too() -> None:
    lost = with_consul(MGMT, raft=raft(leader=None))
    assert decide(context(), replace(lost, robot=Unknown("x"))).reasons == (
        "Consul mgmt has no leader",
    )
    assert not any("agent" in r for r in decide(context(), silent("n1", "n2", "n3")).reasons)


def test_the_agent_of_a_dead_host_is_not_blamed_too() -> None:
    dead = members(n4=MemberStatus.FAILED)
    checks = (*CHECKS, replace(check("n4", "critical"), service_name="bob"))
    views = {"n1": consul_view(MGMT, members=dead, checks=checks)}
    seen = replace(snapshot(), consul={**snapshot().consul, MGMT: views})
    assert decide(context(), seen).reasons == ("n4: failed on mgmt",)


@pytest.mark.parametrize(("until", "paused"), [(None, True), (1000.5, True), (999.5, False)])
def test_a_pause_is_shown_while_it_is_in_force(
    until: float | None, paused: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    end = datetime.datetime.fromtimestamp(until, datetime.UTC) if until else None
    found = decide(context(), with_robot(pause=Pause(who="ann@desk", why="switches", until=end)))
    assert found.healthy  # somebody wished it
    from rich.console import Console

    render(found, Console(width=200))
    assert ("paused by ann@desk" in capsys.readouterr().out) == paused
    shown = found.as_json()["robot"]["paused"]
    assert (shown["why"] if shown else None) == ("switches" if paused else None)


def test_it_is_read_from_the_kv() -> None:
    consul = FakeConsul(ConsulState(SimClock()))
    assert look(consul) == RobotView()
    session = consul.session.create("bob", ttl=60, lock_delay=0)
    consul.kv.acquire("bob/leader", json.dumps({"node": "n3", "instance": "x"}), session)
    consul.kv.put("bob/pause", Pause(who="ann@desk").model_dump_json())
    step = StepRecord(name="a", title="A", state=StepState.FAILED, error="no road")
    record = Operation(
        id="01A", kind="move", target="n4", scopes=("node/n4",), state=State.FAILED, steps=(step,)
    )
    consul.kv.put("bob/ops/01A", record.model_dump_json())
    assert look(consul) == RobotView(
        "n3", 1, Pause(who="ann@desk"), (OperationLine("01A", "move", "n4", "failed", "no road"),)
    )
    consul.session.destroy(session)
    seen = look(consul)
    assert (seen.leader, seen.epoch) == ("", 1)
