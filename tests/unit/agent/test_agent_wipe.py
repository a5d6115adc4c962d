"""The task `wipe` on a host whose systemd is played."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from agent_doubles import PlayedMachine, work

from bob.agent.tasks import wipe
from bob.errors import Permanent

HOME = Path("~").expanduser()


def test_the_wiping_begins_when_the_result_is_written(tmp_path: Path) -> None:
    machine = PlayedMachine(tmp_path)
    machine.file("/etc/bob/cluster").write_text("c1 01H\n")
    keys = machine.file(str(HOME / ".ssh/authorized_keys"))
    keys.write_text("ssh-ed25519 A me\nssh-ed25519 B bob-c1\nssh-ed25519 C bob-c12\n")
    task = work(machine, users=[getpass.getuser()])
    assert wipe.run(task) == {}
    assert machine.asked == []
    assert keys.read_text() == "ssh-ed25519 A me\nssh-ed25519 C bob-c12\n"
    for action in task.afterwards:
        action()
    assert [line.split()[0] for line in machine.asked] == ["systemd-run"]
    assert machine.path("/run/bob-wipe.sh").stat().st_mode & 0o777 == 0o700


def test_a_host_of_nobody_is_not_wiped(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="whose host is this"):
        wipe.run(work(PlayedMachine(tmp_path)))
