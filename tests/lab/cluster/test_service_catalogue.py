"""An operator's own service on a real cluster: deployed, configured, restarted, taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Lab

from bob.clients.nomad import Nomad
from bob.context import Context
from bob.waiting import wait_for

EXAMPLES = Path(__file__).parents[3] / "examples" / "catalogue"
NAME = "controller"
SECONDS = 60.0


@pytest.fixture(scope="module")
def controller(cluster: Lab) -> Iterator[Lab]:
    """It runs while the tests of this file do. The folder is named at its deployment only."""
    bob(cluster, "deploy", NAME, "--catalogue", str(EXAMPLES), "--yes")
    yield cluster
    bob(cluster, "undeploy", NAME, "--yes")


@pytest.fixture
def nomad(controller: Lab, monkeypatch: pytest.MonkeyPatch) -> Nomad:
    monkeypatch.setenv("BOB_STATE", str(controller.state))
    return Context.load(controller.sandbox.name).nomad()


def bob(lab: Lab, *words: str) -> str:
    return str(lab.bob(*words, "--cluster", lab.sandbox.name).stdout)


def asked(lab: Lab, *words: str) -> Any:
    return json.loads(bob(lab, *words, "-o", "json"))


def instance(nomad: Nomad) -> str:
    """The one that runs."""
    (found,) = [a for a in nomad.state.allocations(NAME) if a.running and a.desired == "run"]
    return found.id


def said(nomad: Nomad, word: str) -> None:
    """Wait until the instance that runs has written this."""
    wait_for(
        lambda: word in nomad.rollouts.log(instance(nomad), NAME, "stdout", 4000),
        what=f"{word!r} in the log",
        deadline=SECONDS,
    )


def test_it_runs_and_knows_its_parameters_and_its_secret(controller: Lab, nomad: Nomad) -> None:
    said(nomad, "looking at controller/wanted")
    rows = {row["name"]: row for row in asked(controller, "config", "get", NAME)["parameters"]}
    assert rows["token"]["value"] == "(set)"
    secret = bob(controller, "config", "get", NAME, "--reveal", "token").strip()
    job = nomad.jobs.get(NAME)
    assert len(secret) == 36
    assert secret not in json.dumps(job)


def test_a_parameter_is_rolled_out_and_taken_back(controller: Lab, nomad: Nomad) -> None:
    before = instance(nomad)
    bob(controller, "config", "set", NAME, "folder=other/folder", "interval=1", "--yes")
    assert instance(nomad) != before
    said(nomad, "looking at other/folder")
    bob(controller, "config", "rollback", NAME, "--yes")
    said(nomad, "looking at controller/wanted")
    bob(controller, "service", "rollback", NAME, "--yes")
    said(nomad, "looking at other/folder")
    numbers = [g["number"] for g in asked(controller, "config", "history", NAME)["generations"]]
    assert numbers == [2, 1]


def test_a_restart_replaces_the_instance_and_nothing_is_left_to_plan(
    controller: Lab, nomad: Nomad
) -> None:
    before = instance(nomad)
    bob(controller, "service", "restart", NAME, "--yes")
    assert instance(nomad) != before
    (found,) = asked(controller, "service", "ls", "--deployed")["services"][:1]
    assert found["name"] == NAME
    assert found["from"] == "operator"


def test_a_job_that_somebody_stopped_comes_back_without_the_folder(
    controller: Lab, nomad: Nomad
) -> None:
    before = instance(nomad)
    nomad.jobs.deregister(NAME)
    wait_for(
        lambda: any(
            a.running and a.desired == "run" and a.id != before
            for a in nomad.state.allocations(NAME)
        ),
        what="another instance",
        deadline=SECONDS,
    )
