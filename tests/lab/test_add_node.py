"""Bare hosts join a cluster: side by side, over a leader's death, after a new installation."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from ghosts import forgotten, left_on
from harness import LONG, Factory, Lab

import bob.sandbox
from bob.sandbox import lifecycle
from bob.waiting import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

SERVERS = 3
JOINING = ("n4", "n5", "n6", "n7", "n8")
SPARE = "n9"  # never joins
NETWORKS = ("mgmt", "storage", "tenant")
HOSTS = SERVERS + len(JOINING) + 1
SOON = 120.0
USAGE, REFUSED = 2, 3


@pytest.fixture(scope="module")
def lab(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Three servers; five nodes joined them at once while the leader's agent was killed."""
    made = Lab(sandbox_factory("joining", SERVERS), tmp_path_factory.mktemp("joining"))
    made.init()
    made = dataclasses.replace(made, sandbox=bob.sandbox.up(made.sandbox.name, HOSTS))
    words = ("add-node", *JOINING, "-f", str(made.inventory), "--yes", "-o", "json")
    process = subprocess.Popen(
        made.command(*words), env=made.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: begun(made, "programs"), what="programs travel", deadline=SOON, interval=0.5)
    leader = made.status()["robot"]["leader"]
    made.on(leader, "systemctl kill -s KILL bob-agent")
    printed, said = process.communicate(timeout=LONG)
    assert process.returncode == 0, said
    assert [node["node"] for node in json.loads(printed)["nodes"]] == list(JOINING)
    return made


@pytest.fixture(autouse=True)
def healthy(lab: Lab) -> Iterator[None]:
    yield
    wait_for(lab.healthy, what="a healthy cluster", deadline=SOON, interval=1.0)


def operations(lab: Lab, target: str) -> list[dict[str, Any]]:
    """The operations on a node, newest first."""
    found = json.loads(lab.bob("op", "ls", "--all", "-o", "json").stdout)["operations"]
    return [operation for operation in found if operation["target"] == target]


def begun(lab: Lab, step: str) -> bool:
    return any(
        each["name"] == step and each["state"] != "pending"
        for name in JOINING
        for operation in operations(lab, name)
        for each in operation["steps"]
    )


def add(lab: Lab, name: str, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return lab.bob("add-node", name, "-f", str(lab.inventory), "--yes", *words, code=code)


def assert_member(lab: Lab, name: str) -> None:
    """Alive everywhere, ready, with a bob-agent of its own, and closed to the robot's key."""
    nodes = {node["name"]: node for node in lab.sound()["nodes"]}
    assert nodes[name]["networks"] == dict.fromkeys(NETWORKS, "alive")
    assert nodes[name]["nomad"] == "ready"
    assert not nodes[name]["server"]
    assert lab.on(name, "systemctl is-active bob-agent").strip() == "active"
    assert "bob-" not in lab.on(name, "cat /root/.ssh/authorized_keys")
    assert "nomad.service.consul" in lab.on(name, "getent hosts nomad.service.consul")


def await_missed(lab: Lab, name: str) -> None:
    """Wait until no network finds the node alive."""

    def missed() -> bool:
        (found,) = (node for node in lab.status()["nodes"] if node["name"] == name)
        return "alive" not in found["networks"].values()

    wait_for(missed, what=f"{name} missed", deadline=SOON, interval=1.0)


@pytest.mark.parametrize("name", JOINING)
def test_hosts_join_side_by_side_and_each_once(lab: Lab, name: str) -> None:
    assert_member(lab, name)
    (made,) = operations(lab, name)
    assert (made["kind"], made["state"]) == ("add-node", "done")
    again = json.loads(add(lab, name, "-o", "json").stdout)["nodes"][0]
    assert again["done"] == f"{name} is a member already"
    assert again["operation"] is None
    assert len(operations(lab, name)) == 1


def test_what_makes_no_sense_is_refused_and_changes_nothing(lab: Lab) -> None:
    n1 = lab.sandbox.node("n1").addresses
    taken = [word for net, ip in n1.items() for word in ("--address", f"{net}={ip}")]
    refused = lab.bob("add-node", "n12", *taken, "--cluster", lab.sandbox.name, "--yes", code=USAGE)
    assert "is used twice: by n1" in refused.stderr
    assert "do now:" in refused.stderr
    assert "has no node n12" in add(lab, "n12", code=USAGE).stderr
    assert operations(lab, "n12") == []


def test_a_host_that_does_not_answer_is_refused(lab: Lab) -> None:
    places = {
        network: lab.sandbox.node("n1").addresses[network].rpartition(".")[0] + ".77"
        for network in NETWORKS
    }
    words = [word for net, ip in places.items() for word in ("--address", f"{net}={ip}")]
    refused = lab.bob(
        "add-node", "n12", *words, "--cluster", lab.sandbox.name, "--yes", code=REFUSED
    )
    assert "not reachable by SSH" in refused.stderr
    assert operations(lab, "n12") == []


def test_a_member_that_is_down_is_no_bare_host(lab: Lab) -> None:
    lab.on("n5", "systemctl stop bob-agent nomad 'consul-*'")
    try:
        await_missed(lab, "n5")
        refused = add(lab, "n5", code=REFUSED).stderr
        assert "n5 is a member that is down: its host was not installed anew" in refused
    finally:
        lab.on("n5", "systemctl start consul-mgmt consul-storage consul-tenant nomad bob-agent")


def test_a_host_that_was_installed_anew_comes_back(lab: Lab) -> None:
    lifecycle.reinstall(lab.sandbox, lab.sandbox.node("n4"), lambda _: None)
    lab.on("n4", "test ! -e /etc/bob")
    await_missed(lab, "n4")
    add(lab, "n4")
    assert_member(lab, "n4")
    assert [made["state"] for made in operations(lab, "n4")] == ["done", "done"]


def test_a_join_that_is_taken_back_leaves_nothing(lab: Lab) -> None:
    """A folder in the place of a unit: the configuration cannot be written."""
    in_the_way = "/etc/systemd/system/consul-mgmt.service/x"
    before = left_on(lab, SPARE)
    lab.on(SPARE, f"mkdir -p {in_the_way}")
    add(lab, SPARE, code=1)
    (failed,) = operations(lab, SPARE)
    assert failed["state"] == "failed"
    lab.on(SPARE, f"rm -r {in_the_way.rpartition('/')[0]}")
    lab.bob("op", "abort", failed["id"], "--yes")
    assert operations(lab, SPARE)[0]["state"] == "aborted"
    forgotten(lab, SPARE)
    assert left_on(lab, SPARE) == before


def test_init_leaves_what_the_robot_made_alone(lab: Lab) -> None:
    """The inventory names a host that never joined: that is for `bob apply` to do."""
    refused = lab.init(code=6).stderr
    assert "exists and looks after itself" in refused
    assert "bob plan" in refused
