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


def test_what_does_not_start_makes_room_for_its_predecessor(machine: PlayedMachine) -> None:
    machine.wont_start = lambda unit: str(machine.path(LINK).readlink()) == NEW
    with pytest.raises(Permanent, match=r"nomad did not start.*former version runs again"):
        activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    assert str(machine.path(LINK).readlink()) == OLD
    assert machine.changes == ["restart nomad"] * 2
    assert "nomad" in machine.running
    assert [path.name for path in machine.path(LINK).parent.iterdir()] == ["nomad"]


def test_a_start_that_was_interrupted_still_knows_the_predecessor(machine: PlayedMachine) -> None:
    def crash(unit: str) -> bool:
        raise KeyboardInterrupt

    machine.wont_start = crash
    with pytest.raises(KeyboardInterrupt):
        activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    machine.wont_start = lambda unit: str(machine.path(LINK).readlink()) == NEW
    with pytest.raises(Permanent, match="former version runs again"):
        activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    assert str(machine.path(LINK).readlink()) == OLD


def test_when_nothing_starts_another_attempt_goes_on(machine: PlayedMachine) -> None:
    machine.wont_start = lambda unit: True
    with pytest.raises(Temporary, match="with the former version: nomad did not start"):
        activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    machine.wont_start = lambda unit: False
    result = activate.run(work(machine, programs={"nomad": NEW}, restart=["nomad"]))
    assert result == {"changed": ["nomad"], "restarted": ["nomad"]}
    assert str(machine.path(LINK).readlink()) == NEW


def test_a_look_changes_nothing(machine: PlayedMachine) -> None:
    with pytest.raises(Permanent, match="nomad runs the former version again"):
        activate.run(work(machine, programs={"nomad": NEW}, look=True))
    assert activate.run(work(machine, programs={"nomad": OLD}, look=True))["changed"] == []
    assert machine.changes == []


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
