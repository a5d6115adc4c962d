"""One desk for all tests of this folder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from consul_servers import ConsulServers, way_to
from loopback_agents import nomad_agent, ready_nomad
from rollout_desk import Desk

from bob import toolchain


@pytest.fixture(scope="session")
def running_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    tools = toolchain.ensure(["consul", "nomad"])
    servers = ConsulServers(tools.consul.path, tmp_path_factory.mktemp("consul"))
    folder = tmp_path_factory.mktemp("nomad")
    try:
        servers.await_complete()
        with (
            way_to(servers.port) as way,
            nomad_agent(
                tools.nomad.path,
                folder,
                consul={"address": f"127.0.0.1:{way.port}"},
                # As in the product: templates wait without an end, ports are of one family.
                client={
                    "template": {"consul_retry": {"attempts": 0}},
                    "preferred_address_family": "ipv4",
                },
            ) as agent,
        ):
            desk = Desk(servers, ready_nomad(agent), way)
            yield desk
            desk.stop()
    finally:
        servers.stop()


@pytest.fixture
def desk(running_desk: Desk) -> Iterator[Desk]:
    yield running_desk
    running_desk.way.kv_is_lost = False


@pytest.fixture
def service(desk: Desk) -> Iterator[str]:
    """A name for a service that is gone afterwards."""
    name = f"thing-{uuid.uuid4().hex[:8]}"
    yield name
    desk.forget(name)
