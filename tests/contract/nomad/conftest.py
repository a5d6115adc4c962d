"""Each test runs in both worlds: a real agent with one node, and the fake with one node."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
from fake_nomad import FakeNomad
from fake_nomad_state import Fleet
from loopback_agents import nomad_agent

from bob import toolchain
from bob.clients.http import Unreachable
from bob.clients.nomad import Nomad
from bob.waiting import wait_for

START_SECONDS = 60.0


@pytest.fixture(scope="session")
def real_nomad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nomad]:
    binary = toolchain.ensure(["nomad"]).nomad.path
    with nomad_agent(binary, tmp_path_factory.mktemp("nomad")) as agent:
        client = Nomad(agent.address, agent.token, agent.ca_file)

        def ready() -> bool:
            try:
                return bool(client.leader())
            except Unreachable:
                return False

        wait_for(ready, what="Nomad has a leader", deadline=START_SECONDS)
        client.acl.bootstrap(agent.token)
        wait_for(
            lambda: any(node.ready for node in client.state.nodes()),
            what="the node is ready",
            deadline=START_SECONDS,
        )
        yield client


@pytest.fixture(params=["fake", "real"])
def nomad(request: pytest.FixtureRequest) -> Nomad:
    if request.param == "fake":
        return FakeNomad(Fleet(["host11"], time.monotonic), servers=("host11",))
    found: Nomad = request.getfixturevalue("real_nomad")
    return found


@pytest.fixture
def job(nomad: Nomad) -> Iterator[str]:
    """A name for a job that is gone afterwards; the node is in service again."""
    name = f"job-{uuid.uuid4().hex[:8]}"
    yield name
    if nomad.jobs.get(name):
        nomad.jobs.deregister(name, purge=True)
    for node in nomad.state.nodes():
        nomad.nodes.end_drain(node.id, eligible=True)
