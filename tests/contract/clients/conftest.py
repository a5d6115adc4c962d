"""One Consul and one Nomad agent for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loopback_agents import RunningAgent, consul_agent, nomad_agent, ready_nomad

from bob import toolchain
from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.clients.nomad import Nomad
from bob.waiting import wait_for

START_SECONDS = 60.0


@pytest.fixture(scope="session")
def consul_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    binary = toolchain.ensure(["consul"]).consul.path
    with consul_agent(binary, tmp_path_factory.mktemp("consul")) as agent:
        client = Consul(agent.address, agent.token, agent.ca_file)

        def ready() -> bool:
            try:
                return client.acl.self() is not None and bool(client.catalog.nodes())
            except Unreachable:
                return False

        wait_for(ready, what="Consul answers", deadline=START_SECONDS)
        yield agent


@pytest.fixture
def consul(consul_running: RunningAgent) -> Consul:
    return Consul(consul_running.address, consul_running.token, consul_running.ca_file)


@pytest.fixture(scope="session")
def nomad_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    binary = toolchain.ensure(["nomad"]).nomad.path
    with nomad_agent(binary, tmp_path_factory.mktemp("nomad")) as agent:
        yield agent


@pytest.fixture(scope="session")
def nomad(nomad_running: RunningAgent) -> Nomad:
    """A client of it that has all rights."""
    return ready_nomad(nomad_running)
