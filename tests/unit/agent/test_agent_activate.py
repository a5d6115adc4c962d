"""The task `activate` on a host whose systemd is played."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_doubles import PlayedMachine, work

from bob.agent.tasks import activate
from bob.errors import Permanent, Temporary

OLD, NEW = (f"/opt/bob/store/nomad-{stamp * 16}/nomad" for stamp in "ab")
LINK = "/opt/bob/bin/nomad"


@pytest.fixture
def machine(tmp_path: Path) -> PlayedMachine:
    machine = PlayedMachine(tmp_path, running=("nomad", "bob-agent"))
    for place in (OLD, NEW):
        program = machine.file(place)
        program.write_text(place)
        program.chmod(0o755)
    machine.file(LINK).symlink_to(OLD)
    return machine


def test_the_link_moves_and_the_unit_restarts_once(machine: PlayedMachine) -> None:
    result = activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    assert result == {"changed": ["nomad"], "restarted": ["nomad"]}
    assert str(machine.path(LINK).readlink()) == NEW
    result = activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    assert result == {"changed": [], "restarted": []}
    assert machine.changes == ["restart nomad"]


def test_a_restart_that_failed_is_made_up_for(machine: PlayedMachine) -> None:
    machine.broken = {"nomad"}
    with pytest.raises(Temporary, match="nomad did not start"):
        activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    machine.broken = set()
    result = activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    assert result == {"changed": [], "restarted": ["nomad"]}


@pytest.mark.parametrize(
    "place",
    ["/opt/bob/store/nomad-cc/nomad", "/bin/sh", "/opt/bob/store/../../../bin/sh", 7],
)
def test_nothing_changes_without_the_version(machine: PlayedMachine, place: object) -> None:
    with pytest.raises(Permanent):
        activate.run(work(machine, programs={"nomad": place}, restart=["nomad"]))
    assert str(machine.path(LINK).readlink()) == OLD
    assert machine.changes == []


def test_the_daemon_ends_itself_for_its_own_program(machine: PlayedMachine) -> None:
    task = work(machine, programs={"nomad": NEW}, restart=["nomad", "bob-agent"])
    ended: list[str] = []
    task.end = ended.append
    activate.run(task)
    assert machine.changes == ["restart nomad"]
    for action in task.afterwards:
        action()
    assert ended
