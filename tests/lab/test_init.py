"""A cluster as `bob init` leaves it."""

from __future__ import annotations

import json

from harness import Lab

NETWORKS = ("mgmt", "storage", "tenant")


def test_every_agent_is_a_member_and_every_server_a_voter(cluster: Lab) -> None:
    status = cluster.status(code=0)
    assert status["healthy"]
    assert set(status["leaders"]["consul"]) == set(NETWORKS)
    assert status["leaders"]["nomad"]
    for node in status["nodes"]:
        assert node["networks"] == dict.fromkeys(NETWORKS, "alive")
        assert node["server"]
        assert node["consul_voter"]
        assert node["nomad_voter"]
        assert node["nomad"] == "ready"


def test_a_second_run_changes_nothing(cluster: Lab) -> None:
    result = cluster.init("-o", "json")
    assert json.loads(result.stdout)["changed"] == []
    cluster.status(code=0)


def test_every_host_resolves_names_of_consul(cluster: Lab) -> None:
    for node in cluster.sandbox.nodes:
        answer = cluster.on(node.name, "getent hosts nomad.service.consul")
        assert "nomad.service.consul" in answer
