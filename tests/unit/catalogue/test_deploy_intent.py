"""What would change, with Nomad and the hosts played by stand-ins."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.catalogue import Catalogue, Image, Package
from bob.clients.fleet import Fleet
from bob.clients.nomad import Nomad, Plan
from bob.clients.ssh import Host, Result
from bob.errors import BobError, Permanent, PreflightRefused, Temporary
from bob.ops.deploy import intent as module
from bob.ops.deploy.intent import Intent, intend


class FakeHost:
    """Answers what it lacks, or with an error."""

    def __init__(self, name: str, answer: str | BobError = "") -> None:
        self.name, self.answer = name, answer

    def run(self, script: str) -> Result:
        if isinstance(self.answer, BobError):
            raise self.answer
        return Result(0, self.answer, "")


class FakeNomad:
    """Parses the name of a job, and plans what it was told."""

    def __init__(self, **plans: Plan) -> None:
        self.plans, self.jobs = plans, self

    def parse(self, text: str) -> dict[str, Any]:
        found = re.search(r'job "(\w+)"', text)
        assert found
        return {"ID": found[1], "TaskGroups": [{"Name": found[1]}]}

    def get(self, job: str) -> None:
        """No job is registered."""

    def plan(self, job: dict[str, Any]) -> Plan:
        return self.plans[job["ID"]]


SAME = Plan("None", {"Type": "None"}, {}, {}, "", 3)
NEW = Plan("Added", {"Type": "Added"}, {"demo": {"Place": 2}}, {}, "", 0)
NO_ROOM = Plan("Added", {}, {}, {"demo": {"ConstraintFiltered": {"distinct_hosts": 1}}}, "", 0)


@pytest.fixture(autouse=True)
def image(monkeypatch: pytest.MonkeyPatch) -> Image:
    """The tests run on machines without busybox too."""
    made = Image("bob-demo:0123", b"")
    monkeypatch.setattr(module, "build_image", lambda name, files: made)
    return made


def look(hosts: list[FakeHost], **plans: Plan) -> Intent:
    fleet = Fleet(cast(list[Host], hosts))
    consul = FakeConsul(ConsulState(SimClock()))
    return intend(Catalogue(), ("demo",), cast(Nomad, FakeNomad(**plans)), consul, fleet)


def test_nothing_to_do_gives_no_line() -> None:
    found = look([FakeHost("n1")], haproxy=SAME, demo=SAME)
    assert found.lines() == ()
    assert [item.service.name for item in found.items] == ["haproxy", "demo"]
    assert found.images == {"demo": "bob-demo:0123"}


def test_the_plan_names_hosts_first_and_then_jobs() -> None:
    found = look([FakeHost("n2", "bob-demo:0123\n"), FakeHost("n1")], haproxy=SAME, demo=NEW)
    assert found.lines() == (
        "n2: load image bob-demo:0123", "demo: new job", "demo: group demo: place 2",
    )  # fmt: skip


def test_a_host_that_does_not_answer_is_left_out() -> None:
    silent = Temporary("n2: not reachable")
    found = look([FakeHost("n1"), FakeHost("n2", silent)], haproxy=SAME, demo=SAME)
    assert found.silent == {"n2": silent}
    assert found.lacks == {}


def test_no_host_that_answers_is_refused() -> None:
    with pytest.raises(PreflightRefused, match="n1: not reachable"):
        look([FakeHost("n1", Temporary("n1: not reachable"))], haproxy=SAME, demo=SAME)


def test_a_host_that_refuses_the_key_stops_it() -> None:
    with pytest.raises(Permanent, match="refused"):
        look([FakeHost("n1"), FakeHost("n2", Permanent("refused"))], haproxy=SAME, demo=SAME)


def test_no_place_for_an_instance_is_refused_with_the_reasons_of_nomad() -> None:
    with pytest.raises(PreflightRefused, match=r"demo: group demo: .*excluded by distinct_hosts"):
        look([FakeHost("n1")], haproxy=SAME, demo=NO_ROOM)


def test_a_place_may_come_with_a_program_that_is_still_to_be_installed() -> None:
    found = look([FakeHost("n1", "docker.io\nbob-demo:0123\n")], haproxy=SAME, demo=NO_ROOM)
    assert found.lacks["n1"].packages == (Package(program="docker", name="docker.io"),)
    assert found.items[-1].plan.unplaced
