"""The tasks `leave` and `wipe` on a host whose systemd is played."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from agent_doubles import PlayedMachine, work

from bob.agent.machine import Ran
from bob.agent.tasks import leave, wipe
from bob.errors import Permanent

AGENTS = ("consul-mgmt", "consul-storage")
HOME = Path("~").expanduser()


class Leaving(PlayedMachine):
    """Remembers with which signal each unit was stopped."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, running=("nomad", *AGENTS, "bob-agent"))
        self.left: list[str] = []
        for unit in AGENTS:
            self.file(f"/etc/systemd/system/{unit}.service").touch()

    def run(self, *argv: str, timeout: float) -> Ran:
        if argv[1] == "disable":
            drop_in = self.path(f"/run/systemd/system/{argv[-1]}.service.d/leave.conf")
            told = drop_in.exists() and "KillSignal=SIGINT" in drop_in.read_text()
            self.left += [argv[-1]] if told else []
        return super().run(*argv, timeout=timeout)


def test_mgmt_leaves_when_the_result_is_written(tmp_path: Path) -> None:
    machine = Leaving(tmp_path)
    task = work(machine, last=True)
    assert leave.run(task) == {"left": ["consul-storage", "consul-mgmt"]}
    assert machine.running == {"consul-mgmt", "bob-agent"}
    for action in task.afterwards:
        action()
    assert machine.running == set()
    assert machine.left == ["consul-storage", "consul-mgmt"]
    assert not list(tmp_path.rglob("leave.conf"))


def test_mgmt_stays_for_the_next_task(tmp_path: Path) -> None:
    machine = Leaving(tmp_path)
    task = work(machine)
    assert leave.run(task) == {"left": ["consul-storage"]}
    assert task.afterwards == []
    assert machine.running == {"consul-mgmt", "bob-agent"}


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
