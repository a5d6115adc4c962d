"""The task `configure` on a host whose systemd is played."""

from __future__ import annotations

import getpass
import grp
import os
from pathlib import Path

import pytest
from agent_doubles import PlayedMachine, work

from bob.agent.tasks import configure
from bob.errors import Permanent, Temporary
from bob.ops.node_material import encode_files
from bob.provision.node_files import NodeFile

OWNER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
CONSUL, NOMAD, AGENT = (
    f"/etc/bob/{name}"
    for name in ("consul-mgmt/consul.json", "nomad/nomad.json", "agent/agent.json")
)
UNITS = ("consul-mgmt", "nomad")


def payload(**content: str) -> bytes:
    places = {"consul": CONSUL, "nomad": NOMAD, "agent": AGENT}
    return encode_files(
        [NodeFile(places[name], text.encode(), 0o640, OWNER, GROUP) for name, text in
         content.items()]
    )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> PlayedMachine:
    return PlayedMachine(tmp_path, running=(*UNITS, "bob-agent"))


def test_what_differs_is_replaced_and_its_units_restart_in_order(machine: PlayedMachine) -> None:
    both = payload(nomad="1", consul="1")
    result = configure.run(work(machine, both, restart=list(UNITS)))
    assert result == {"changed": [NOMAD, CONSUL], "restarted": list(UNITS), "stale": []}
    assert machine.changes == ["restart consul-mgmt", "restart nomad"]
    place = machine.path(CONSUL)
    assert (place.read_bytes(), place.stat().st_mode & 0o777) == (b"1", 0o640)
    assert not list(place.parent.glob(".*"))
    machine.asked.clear()
    assert configure.run(work(machine, both, restart=list(UNITS)))["changed"] == []
    assert machine.changes == []


def test_a_mode_that_differs_is_mended(machine: PlayedMachine) -> None:
    configure.run(work(machine, payload(nomad="1")))
    machine.path(NOMAD).chmod(0o644)
    assert configure.run(work(machine, payload(nomad="1")))["changed"] == [NOMAD]


def test_a_restart_that_was_cut_off_is_made_up_for(machine: PlayedMachine) -> None:
    machine.broken = {"nomad"}
    machine.journal = "bad token 8b1d9f3e-1111-2222-3333-444455556666 in file"
    files = payload(nomad="1", consul="1")
    with pytest.raises(Temporary, match=r"nomad did not start: bad token .redacted. in file"):
        configure.run(work(machine, files, restart=list(UNITS)))
    machine.broken = set()
    machine.asked.clear()
    assert configure.run(work(machine, files, restart=list(UNITS)))["restarted"] == ["nomad"]
    assert machine.changes == ["restart nomad"]


def test_units_that_are_not_named_stay_as_they_are(machine: PlayedMachine) -> None:
    machine.running = {"nomad"}
    result = configure.run(work(machine, payload(nomad="1", consul="1")))
    assert (result["stale"], machine.changes) == (["nomad"], [])


def test_units_are_stopped_for_good_and_started(machine: PlayedMachine) -> None:
    configure.run(work(machine, stop=["nomad"], start=["consul-storage", "consul-mgmt"]))
    assert machine.changes == ["disable --now nomad", "restart consul-storage"]
    assert machine.enabled == {"consul-mgmt", "consul-storage", "bob-agent"}


def test_a_former_server_forgets_its_quorum_while_it_is_down(machine: PlayedMachine) -> None:
    rafts = [
        machine.file(f"/var/lib/bob/{name}")
        for name in ("consul-mgmt/raft/raft.db", "consul-mgmt/server_metadata.json",
                     "nomad/server/raft/raft.db")
    ]  # fmt: skip
    for raft in rafts:
        raft.parent.mkdir(parents=True, exist_ok=True)
        raft.touch()
    kept = machine.file("/var/lib/bob/consul-mgmt/node-id")
    kept.touch()
    machine.on_start = lambda unit: None if unit == "nomad" else _gone(rafts[:2])
    configure.run(work(machine, restart=list(UNITS), forget_raft=True))
    _gone(rafts)
    assert kept.exists()
    assert machine.changes == [
        "kill --kill-who=main --signal=INT consul-mgmt", "stop consul-mgmt", "restart consul-mgmt",
        "stop nomad", "restart nomad",
    ]  # fmt: skip
    machine.asked.clear()
    configure.run(work(machine, restart=list(UNITS), forget_raft=True))
    assert machine.changes == []


def _gone(places: list[Path]) -> None:
    assert [place for place in places if place.exists()] == []


def test_the_daemon_ends_itself_only_when_the_result_is_written(machine: PlayedMachine) -> None:
    ended: list[str] = []
    task = work(machine, payload(agent="1"), restart=["bob-agent"])
    task.end = ended.append
    assert configure.run(task)["stale"] == ["bob-agent"]
    assert (ended, machine.changes) == ([], [])
    for action in task.afterwards:
        action()
    assert ended
    again = work(machine, payload(agent="1"))
    assert (configure.run(again)["stale"], again.afterwards) == ([], [])


def test_an_unknown_owner_is_told(machine: PlayedMachine) -> None:
    file = NodeFile(NOMAD, b"", owner="nobody-of-that-name")
    with pytest.raises(Permanent, match="nobody-of-that-name"):
        configure.run(work(machine, encode_files([file])))
