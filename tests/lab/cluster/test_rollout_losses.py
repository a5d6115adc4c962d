"""Roll-outs on a real cluster whose hosts, leaders and images are lost on the way."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import LONG, Lab, power

from bob.clients.nomad import Allocation, Nomad
from bob.context import Context
from bob.ops.consul_store import ConsulStore
from bob.waiting import wait_for

pytestmark = pytest.mark.lab

EXAMPLES = Path(__file__).parents[3] / "examples" / "catalogue"
NAME = "walker"
SECONDS = 120.0  # generous: machines that run these tests are slow and shared


@pytest.fixture
def context(cluster: Lab, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("BOB_STATE", str(cluster.state))
    return Context.load(cluster.sandbox.name)


@pytest.fixture
def nomad(context: Context) -> Nomad:
    return context.nomad()


@pytest.fixture(scope="module")
def walker(cluster: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A service with two instances that takes its time; the folder it came from is gone."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(EXAMPLES / "controller", folder / NAME)
    file = folder / NAME / "service.yaml"
    slowly = "count: 2\nupdate: {healthy_after: 5}"
    file.write_text(file.read_text().replace("count: 1", slowly))
    bob(cluster, "deploy", NAME, "--catalogue", str(folder), "--yes")
    shutil.rmtree(folder)
    yield cluster
    bob(cluster, "undeploy", NAME, "--yes")


def bob(lab: Lab, *words: str, code: int = 0) -> str:
    return str(lab.bob(*words, "--cluster", lab.sandbox.name, code=code).stdout)


def begin(lab: Lab, *words: str) -> subprocess.Popen[str]:
    """A command of the operator, while something else happens."""
    return subprocess.Popen(
        lab.command(*words, "--cluster", lab.sandbox.name), env=lab.environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def end(command: subprocess.Popen[str]) -> None:
    """It succeeds."""
    _, said = command.communicate(timeout=LONG)
    assert command.returncode == 0, said


def live(nomad: Nomad) -> dict[str, Allocation]:
    """The instances that run, by id."""
    found = nomad.state.allocations(NAME)
    return {each.id: each for each in found if each.running and each.desired == "run"}


def await_new(nomad: Nomad, before: set[str]) -> None:
    """The roll-out has begun, and is not over."""
    wait_for(lambda: live(nomad).keys() - before, what="a new instance", deadline=SECONDS)
    assert before & live(nomad).keys(), "not all of them are new"


def say_all(nomad: Nomad, word: str) -> None:
    """Both instances run, and each has this configuration."""

    def complete() -> bool:
        found = live(nomad)
        return len(found) == 2 and all(
            word in nomad.rollouts.log(each, NAME, "stdout", 4000) for each in found
        )

    wait_for(complete, what=f"two instances with {word!r}", deadline=SECONDS, interval=0.5)


def test_a_host_is_lost_in_the_middle_of_a_roll_out(walker: Lab, nomad: Nomad) -> None:
    before = set(live(nomad))
    command = begin(walker, "config", "set", NAME, "folder=while/lost", "--yes")
    await_new(nomad, before)
    lost = next(a.node_name for ident, a in live(nomad).items() if ident in before)
    power(walker.sandbox, [lost], "off")
    try:
        end(command)
        assert lost not in {each.node_name for each in live(nomad).values()}
        assert not before & live(nomad).keys()
    finally:
        power(walker.sandbox, [lost], "on")
    wait_for(walker.healthy, what="healthy with all hosts", deadline=2 * SECONDS)
    say_all(nomad, "while/lost")


def test_what_came_from_a_folder_goes_on_without_it(walker: Lab, nomad: Nomad) -> None:
    bob(walker, "service", "restart", NAME, "--yes")
    bob(walker, "config", "set", NAME, "folder=without/folder", "--yes")
    say_all(nomad, "without/folder")
    before = set(live(nomad))
    nomad.jobs.deregister(NAME)
    wait_for(
        lambda: len(live(nomad)) == 2 and not before & live(nomad).keys(),
        what="the robot starts it again", deadline=SECONDS,
    )  # fmt: skip


def test_an_image_that_is_missing_is_told_while_it_is_waited_for(
    walker: Lab, nomad: Nomad, context: Context
) -> None:
    image = f"memcached={walker.sandbox.layout.registry_address}/bob/no-such-image:1"
    command = begin(walker, "deploy", "memcached", "--image", image, "--yes")
    store = ConsulStore(context.consul())

    def told() -> str | None:
        found = (each for each in store.unfinished() if each.target == "memcached")
        return next((each.id for each in found if "no-such-image" in each.said), None)

    made = wait_for(told, what="the operation names the image", deadline=SECONDS, interval=0.5)
    bob(walker, "op", "abort", made, "--yes")
    command.communicate(timeout=LONG)
    assert command.returncode == 1
    found = json.loads(bob(walker, "service", "ls", "--deployed", "-o", "json"))["services"]
    assert "memcached" not in {each["name"] for each in found}
    job = nomad.jobs.get("memcached")
    assert job is None or job["Stop"]


def test_a_service_that_fits_nowhere_is_refused_with_the_constraint(
    walker: Lab, nomad: Nomad, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLES / "controller", tmp_path / "giant")
    file = tmp_path / "giant" / "job.nomad.hcl.j2"
    file.write_text(file.read_text().replace("memory = 32", "memory = 9000000"))
    words = ("deploy", "giant", "--catalogue", str(tmp_path), "--yes")
    said = walker.bob(*words, "--cluster", walker.sandbox.name, code=3).stderr
    assert "no place for it; no job was changed" in said
    assert "without enough memory" in said
    assert nomad.jobs.get("giant") is None


def test_no_log_on_any_host_or_of_the_operator_holds_the_secret(walker: Lab) -> None:
    secret = bob(walker, "config", "get", NAME, "--reveal", "token").strip()
    assert len(secret) == 36
    export = "journalctl --no-pager --all --output=export"
    journals = [walker.on(node.name, export) for node in walker.sandbox.nodes]
    assert any(NAME in journal for journal in journals), "the same search finds what is no secret"
    assert not any(secret in journal for journal in journals)
    logs = list((walker.state / "logs").iterdir())
    assert any("-config-get-" in log.name for log in logs)
    assert not any(secret in log.read_text() for log in logs)
