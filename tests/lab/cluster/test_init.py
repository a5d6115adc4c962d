"""A cluster as `bob init` leaves it."""

from __future__ import annotations

import json

from harness import Lab

NETWORKS = ("mgmt", "storage", "tenant")
# MB. An idle agent has 45; a leader that has just rolled services out holds the catalogue as well.
MOST_MEMORY = 50


def test_every_agent_is_a_member_and_every_server_a_voter(cluster: Lab) -> None:
    status = cluster.sound()
    assert status["healthy"]
    assert set(status["leaders"]["consul"]) == set(NETWORKS)
    assert status["leaders"]["nomad"]
    for node in status["nodes"]:
        assert node["networks"] == dict.fromkeys(NETWORKS, "alive")
        assert node["server"]
        assert node["consul_voter"]
        assert node["nomad_voter"]
        assert node["nomad"] == "ready"


def test_bob_agent_runs_on_every_node_and_takes_little_memory(cluster: Lab) -> None:
    for node in cluster.sandbox.nodes:
        show = "systemctl is-active bob-agent; systemctl show -P MainPID bob-agent"
        state, process = cluster.on(node.name, show).split()
        assert state == "active"
        assert cluster.on(node.name, "ls /run/bob/stale", check=False) == ""
        used = cluster.on(node.name, f"grep ^Pss: /proc/{process}/smaps_rollup").split()
        print(f"{node.name}: bob-agent takes {int(used[1]) / 1024:.1f} MB (PSS)")
        assert int(used[1]) / 1024 <= MOST_MEMORY


def test_bob_agent_is_sent_again_when_it_is_damaged(cluster: Lab) -> None:
    place = cluster.on("n1", "readlink /opt/bob/bin/bob-agent").strip().rsplit("/", 1)[0]
    before = cluster.on("n1", "systemctl show -P MainPID bob-agent")
    cluster.on("n1", f": >{place}/bob/__init__.py")
    result = cluster.init("-o", "json")
    assert {"binaries", "agents"} <= set(json.loads(result.stdout)["changed"])
    assert cluster.on("n1", "systemctl show -P MainPID bob-agent") != before
    assert cluster.on("n1", f"find {place} -type f -empty") == ""


def test_a_second_run_changes_nothing(cluster: Lab) -> None:
    result = cluster.init("-o", "json")
    assert json.loads(result.stdout)["changed"] == []
    cluster.sound()


def test_every_host_resolves_names_of_consul(cluster: Lab) -> None:
    for node in cluster.sandbox.nodes:
        answer = cluster.on(node.name, "getent hosts nomad.service.consul")
        assert "nomad.service.consul" in answer
