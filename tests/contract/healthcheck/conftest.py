"""A real Consul on a plain loopback port, and the configuration of a daemon that asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from health_site import NODE, Site
from loopback_agents import consul_agent, free_ports

from bob import toolchain
from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.waiting import wait_for

START_SECONDS = 60.0


@pytest.fixture(scope="module")
def plain_consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Consul, int]]:
    binary = toolchain.ensure(["consul"]).consul.path
    http, rpc, gossip = free_ports(3)
    ports = {
        "http": http, "server": rpc, "serf_lan": gossip,
        "https": -1, "dns": -1, "grpc": -1, "grpc_tls": -1, "serf_wan": -1,
    }  # fmt: skip
    with consul_agent(binary, tmp_path_factory.mktemp("consul"), ports=ports) as agent:
        client = Consul(f"http://127.0.0.1:{http}", agent.token)

        def ready() -> bool:
            try:
                return client.catalog.serf_health(NODE) == "passing"
            except Unreachable:
                return False

        wait_for(ready, what="Consul answers", deadline=START_SECONDS)
        for name in ("host11", "host12"):
            client.kv.put(f"bob/nodes/{name}", json.dumps({"role": "server", "state": "member"}))
        yield client, http


@pytest.fixture
def site(plain_consul: tuple[Consul, int], tmp_path: Path) -> Site:
    consul, http_port = plain_consul
    echo, metrics = free_ports(2)
    token = consul.http._headers["X-Consul-Token"]
    own = {"address": "127.0.0.1", "http_port": http_port, "https_port": 1}
    config = tmp_path / "healthcheck.json"
    config.write_text(
        json.dumps(
            {
                "cluster": "c1",
                "node": NODE,
                "token": token,
                "networks": {"mgmt": own},
                "units": ["bob-nothing-of-this-name"],
                "echo_port": echo,
                "metrics_port": metrics,
                "watches_cluster": True,
                "consul_ca": str(tmp_path / "ca.pem"),
                "nomad": "https://127.0.0.1:1",
                "nomad_ca": str(tmp_path / "ca.pem"),
            }
        )
    )
    config.chmod(0o600)
    return Site(consul, http_port, config, tmp_path / "run", metrics)
