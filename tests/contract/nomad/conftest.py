"""Each test runs in both worlds: a real agent with one node, and the fake with one node."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
from fake_nomad import FakeNomad
from fake_nomad_state import Fleet
from loopback_agents import nomad_agent, ready_nomad

from bob import toolchain
from bob.clients.nomad import Nomad


@pytest.fixture(scope="session")
def real_nomad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nomad]:
    binary = toolchain.ensure(["nomad"]).nomad.path
    with nomad_agent(binary, tmp_path_factory.mktemp("nomad")) as agent:
        yield ready_nomad(agent)


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
