"""Nothing of a node is left when it was removed, and a removed host can do no harm.

Five hosts: n1 to n3 are the servers, n4 (zone a) and n5 (zone b) are clients. The tests build on
each other: every one says at its end which nodes the cluster has.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest
from ghosts import consul_of, forgotten, left_on, nomad_of, servers
from harness import Factory, Lab, power

from bob.waiting import pause, wait_for
from inventory import NetworkName

pytestmark = pytest.mark.lab

DEADLINE = 300.0  # seconds; generous, since machines that run these tests are slow and shared
LATER = (3, 5)  # exit codes: a raft whose leader died has none yet; another operation is at it
STABLE = 30.0  # autopilot gives a server a vote after 10 s


@pytest.fixture(scope="module")
def lab(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(sandbox_factory("ghost", 5), tmp_path_factory.mktemp("ghost"))
    made.init()
    made.bob("deploy", "demo", "--yes")
    yield made


def healthy(lab: Lab) -> None:
    wait_for(lab.healthy, what="a healthy cluster", deadline=DEADLINE, interval=1.0)


def bare(lab: Lab, node: str) -> None:
    """The host ends its own wipe a moment after it has left gossip."""
    wait_for(lambda: not left_on(lab, node), what=f"{node} bare", deadline=30.0, interval=1.0)


def voters(lab: Lab, server: str) -> list[frozenset[str]]:
    """Of every raft, as one server sees it."""
    consul = [consul_of(lab, server, net).operator for net in NetworkName]
    return [o.raft(stale=True).voters for o in (*consul, nomad_of(lab, server).operator)]


def patiently(lab: Lab, *words: str, code: int = 0) -> str:
    """What a command says when nothing that passes by itself keeps it from beginning any more."""

    def tried() -> subprocess.CompletedProcess[str] | None:
        result = subprocess.run(
            lab.command(*words), capture_output=True, text=True, env=lab.environment,
            stdin=subprocess.DEVNULL, timeout=DEADLINE,
        )  # fmt: skip
        return None if result.returncode in LATER else result

    done = wait_for(tried, what=" ".join(words), deadline=DEADLINE, interval=1.0)
    assert done.returncode == code, done.stderr
    return done.stderr


def test_an_unknown_node_is_refused(lab: Lab) -> None:
    said = lab.bob("remove-node", "n9", "--yes", code=2).stderr
    assert "has no node 'n9'" in said
    assert "n1, n2, n3, n4, n5" in said


def test_nothing_is_left_of_a_client(lab: Lab) -> None:
    lab.bob("remove-node", "n5", "--yes")
    forgotten(lab, "n5")
    bare(lab, "n5")
    healthy(lab)  # n1 n2 n3, n4


def test_the_same_host_is_added_again(lab: Lab) -> None:
    lab.bob("add-node", "n5", "-f", str(lab.inventory), "--yes")
    healthy(lab)
    status = {node["name"]: node for node in lab.status()["nodes"]}
    assert len(status) == 5  # n1 n2 n3, n4 n5


def test_nothing_is_left_of_a_server_and_another_takes_its_place(lab: Lab) -> None:
    leader = lab.status()["robot"]["leader"]  # the most delicate one
    refused = lab.bob("remove-node", leader, "--yes", "--accept", "zone-spread")
    assert "becomes a server in the place of" in refused.stderr
    forgotten(lab, leader)
    bare(lab, leader)
    healthy(lab)
    left = servers(lab)
    assert len(left) == 3
    assert voters(lab, left[0]) == [frozenset(left)] * 4
    lab.bob("add-node", leader, "-f", str(lab.inventory), "--yes")
    healthy(lab)  # all five


def test_a_dead_server_is_forgotten_and_kept_out_when_it_comes_back(lab: Lab) -> None:
    dead = servers(lab)[-1]
    power(lab.sandbox, [dead], "off")
    wait_for(
        lambda: dead in json.dumps(lab.status(code=9)["reasons"]),
        what=f"{dead} missed", deadline=DEADLINE, interval=1.0,
    )  # fmt: skip
    words = ("remove-node", dead, "--yes", "--accept", "zone-spread")
    assert "--accept not-wiped" in patiently(lab, *words, code=6)
    patiently(lab, *words, "--accept", "not-wiped")
    forgotten(lab, dead)
    healthy(lab)

    power(lab.sandbox, [dead], "on")
    watcher = servers(lab)[0]
    wait_for(
        lambda: any(m.name == dead for m in consul_of(lab, watcher).agent.members()),
        what=f"{dead} seen again", deadline=DEADLINE, interval=1.0,
    )  # fmt: skip
    wait_for(
        lambda: f"{dead} was taken out" in lab.status()["robot"]["sentence"],
        what="the robot tells of it", deadline=DEADLINE, interval=1.0,
    )  # fmt: skip
    end = time.monotonic() + STABLE
    while time.monotonic() < end:  # never a vote, never a leader, never an instance
        assert all(dead not in found for found in voters(lab, watcher))
        assert lab.status()["robot"]["leader"] != dead
        pause(1.0)
    assert not [n for n in nomad_of(lab, watcher).state.nodes() if n.name == dead and n.eligible]

    power(lab.sandbox, [dead], "off")
    forgotten(lab, dead)
    power(lab.sandbox, [dead], "on")


def test_a_reset_leaves_bare_hosts_that_become_a_cluster_again(lab: Lab) -> None:
    assert f"--name {lab.sandbox.name}" in lab.bob("reset", "--yes", code=2).stderr
    off = lab.sandbox.nodes[0].name
    power(lab.sandbox, [off], "off")
    named = ("reset", "--name", lab.sandbox.name, "-f", str(lab.inventory))
    assert off in lab.bob(*named, code=8).stderr
    assert lab.folder.exists()
    power(lab.sandbox, [off], "on")
    wait_for(lambda: lab.on(off, "echo up", check=False), what=f"ssh of {off}", deadline=DEADLINE)
    lab.bob(*named)
    assert {node.name: left_on(lab, node.name) for node in lab.sandbox.nodes} == {
        node.name: [] for node in lab.sandbox.nodes
    }
    assert not lab.folder.exists()
    assert list((lab.state / "reset").glob(f"{lab.sandbox.name}-*/secrets.json"))
    lab.init()
    healthy(lab)
