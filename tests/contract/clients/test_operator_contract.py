"""What Bob does to the rafts of Consul and Nomad."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.clients.nomad import Nomad
from bob.waiting import wait_for

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=["consul", "nomad"])
def client(request: pytest.FixtureRequest) -> Consul | Nomad:
    found: Consul | Nomad = request.getfixturevalue(request.param)
    return found


def test_autopilot_keeps_the_number_it_is_told(client: Consul | Nomad) -> None:
    before = client.operator.min_quorum()
    for count in (3, 3, 5, before):
        client.operator.set_min_quorum(count)
        assert client.operator.min_quorum() == count


def test_a_peer_that_is_unknown_is_gone_already(client: Consul | Nomad) -> None:
    client.operator.remove_peer(UNKNOWN)
    assert len(client.operator.raft().peers) == 1


def test_a_snapshot_travels_as_a_file(consul: Consul, tmp_path: Path) -> None:
    # Nomad's is saved in the lab: its server for tests keeps its state in memory.
    path = tmp_path / "snapshot"
    with path.open("w+b") as sink:
        consul.operator.save_snapshot(sink)
    with tarfile.open(path) as archive:
        assert {"meta.json", "state.bin", "SHA256SUMS"} <= set(archive.getnames())


def test_a_restored_snapshot_brings_back_what_was(consul: Consul, tmp_path: Path) -> None:
    consul.kv.put("test/snapshot", "before")
    path = tmp_path / "snapshot"
    with path.open("w+b") as sink:
        consul.operator.save_snapshot(sink)
    consul.kv.put("test/snapshot", "after")
    with path.open("rb") as source:
        consul.operator.restore_snapshot(source)

    def back() -> bool:
        try:
            entry = consul.kv.get("test/snapshot")
        except Unreachable:  # it leads again in a moment
            return False
        return entry is not None and entry.value == b"before"

    wait_for(back, what="the value of the snapshot", deadline=20)
