"""Operating a real cluster: wishes, looking on, the robot's pause, the inventory as a plan."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import LONG, Lab

from bob.waiting import wait_for

pytestmark = pytest.mark.lab

VICTIM = "n3"
DEADLINE = 120.0


@pytest.fixture
def lab(cluster: Lab) -> Iterator[Lab]:
    """The shared cluster, with a robot that works; left as it was."""
    wait_for(cluster.healthy, what="a healthy cluster", deadline=DEADLINE, interval=1.0)
    yield cluster
    cluster.bob("resume")
    for operation in operations(cluster):
        if operation["state"] in ("pending", "running", "paused"):
            cluster.bob("op", "abort", operation["id"], "--yes")
    cluster.bob("maintain", VICTIM, "--off", "--yes")


def operations(lab: Lab) -> list[dict[str, Any]]:
    """What `bob op ls` shows, newest first."""
    found: list[dict[str, Any]] = json.loads(lab.bob("op", "ls", "-o", "json").stdout)["operations"]
    return found


def watching(lab: Lab, *words: str) -> subprocess.Popen[str]:
    """A command that is looking on."""
    process = subprocess.Popen(
        lab.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=lab.environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stderr is not None
    assert any("paused by" in line for line in process.stderr), "it never came to look on"
    return process


def test_a_wish_is_carried_out_and_remembered(lab: Lab) -> None:
    done = lab.bob("maintain", VICTIM, "--yes")
    assert f"maintain {VICTIM}: done" in done.stdout
    assert "==> " in done.stderr
    newest = operations(lab)[0]
    assert (newest["kind"], newest["target"], newest["state"]) == ("maintain", VICTIM, "done")
    assert newest["epoch"] > 0
    assert {"name", "state", "attempts"} <= newest["steps"][0].keys()
    assert newest["id"] in lab.bob("op", "show", newest["id"][-6:]).stdout
    again = lab.bob("maintain", VICTIM, "--yes")
    assert "nothing to do" in again.stdout
    assert operations(lab)[0]["id"] == newest["id"]


def test_the_robot_shows_itself(lab: Lab) -> None:
    def told() -> dict[str, Any] | None:
        robot: dict[str, Any] = lab.status()["robot"]
        return robot if robot["sentence"].startswith("leader epoch") else None

    robot = wait_for(told, what="the leader's sentence", deadline=30.0, interval=1.0)
    assert robot["leader"] in {node.name for node in lab.sandbox.nodes}
    assert robot["epoch"] > 0
    assert robot["paused"] is None


def test_while_the_robot_rests_wishes_wait(lab: Lab) -> None:
    lab.bob("pause", "--why", "a test", "--until", "1h")
    assert lab.status()["robot"]["paused"]["why"] == "a test"
    lab.bob("maintain", VICTIM, "--yes", "--detach", code=8)
    made = operations(lab)[0]
    assert made["state"] == "pending"
    assert "held by maintain" in lab.bob("maintain", VICTIM, "--off", "--yes", code=5).stderr
    looked = lab.bob("op", "watch", "last", "--timeout", "1", code=7)
    assert "paused by" in looked.stderr
    lab.bob("op", "pause")
    assert operations(lab)[0]["state"] == "paused"
    lab.bob("op", "retry", code=2)
    lab.bob("op", "resume")
    lab.bob("op", "abort", "--yes", "--detach", code=8)
    lab.bob("resume")
    lab.bob("op", "watch", made["id"], code=1)  # aborted: not what was wished
    assert operations(lab)[0]["state"] == "aborted"
    lab.bob("op", "abort", "last", "--yes")  # again: it is so already
    assert "no operation" in lab.bob("op", "abort", "01ZZZZ", "--yes", code=2).stderr


def test_ctrl_c_leaves_and_a_new_leader_goes_on(lab: Lab) -> None:
    """One watcher leaves, another one stays while the leader's agent is stopped."""
    lab.bob("pause")
    leader = lab.status()["robot"]["leader"]
    left = watching(lab, "maintain", VICTIM, "--yes")
    stays = watching(lab, "op", "watch")
    left.send_signal(signal.SIGINT)
    _, said = left.communicate(timeout=LONG)
    assert left.returncode == 8, said
    assert "bob op watch" in said
    lab.on(leader, "systemctl stop bob-agent")
    try:
        lab.bob("resume")
        printed, said = stays.communicate(timeout=LONG)
        assert stays.returncode == 0, said
        assert "done" in printed
        assert lab.status()["robot"]["leader"] not in (None, leader)
        assert any(f"{leader}: bob-agent" in reason for reason in lab.status(9)["reasons"])
    finally:
        lab.on(leader, "systemctl start bob-agent")
    wait_for(lab.healthy, what="a healthy cluster", deadline=DEADLINE, interval=1.0)


def test_the_inventory_is_a_plan(lab: Lab, tmp_path: Path) -> None:
    text, file = lab.inventory.read_text(), tmp_path / "cluster.yaml"
    file.write_text(text)
    lab.bob("plan", "-f", str(file))
    file.write_text(text + "\nserver_grace: 90\n")
    planned = json.loads(lab.bob("plan", "-f", str(file), "-o", "json", code=4).stdout)
    assert [o["title"] for o in planned["operations"]] == ["set server_grace 90"]
    lab.bob("apply", "-f", str(file), code=2)  # it asks
    lab.bob("apply", "-f", str(file), "--yes")
    lab.bob("plan", "-f", str(file))
    kept = json.loads((lab.folder / "inventory.json").read_text())
    assert kept["server_grace"] == 90  # this machine follows the cluster
    lab.bob("apply", "-f", str(lab.inventory), "--yes")
    lab.bob("plan", "-f", str(lab.inventory))
