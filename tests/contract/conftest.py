"""A real Consul agent with short session times, for the contracts that a fake has to keep too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loopback_agents import consul_agent

from bob import toolchain
from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.waiting import wait_for

START_SECONDS = 60.0


@pytest.fixture(scope="session")
def brisk_consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consul]:
    """It accepts sessions of one second; Consul's own minimum is ten."""
    binary = toolchain.ensure(["consul"]).consul.path
    folder = tmp_path_factory.mktemp("consul")
    with consul_agent(binary, folder, session_ttl_min="1s") as agent:
        client = Consul(agent.address, agent.token, agent.ca_file)

        def ready() -> bool:
            try:
                return client.catalog.serf_health("host11") == "passing"
            except Unreachable:
                return False

        wait_for(ready, what="Consul answers", deadline=START_SECONDS)
        yield client
