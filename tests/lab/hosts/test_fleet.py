"""`Fleet` against a real sshd: all hosts are tried, all errors are told, Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from harness import login

from bob.clients.fleet import Fleet
from bob.clients.ssh import Host
from bob.errors import BobError, Permanent, Temporary
from bob.sandbox.record import Sandbox

pytestmark = pytest.mark.lab

SOON = 20.0


@pytest.fixture
def fleet(sandbox: Sandbox) -> Iterator[Fleet]:
    fleet = Fleet(Host(login(sandbox, name)) for name in ("n1", "n2", "n3"))
    yield fleet
    fleet.close()


def test_every_host_answers_at_the_same_time(fleet: Fleet) -> None:
    fleet.each(lambda host: host.run("true"))
    began = time.monotonic()
    answers = fleet.each(lambda host: host.run(f"sleep 2; echo {host.name}").stdout)
    assert answers == {name: f"{name}\n" for name in ("n1", "n2", "n3")}
    assert time.monotonic() - began < 6


def test_all_failures_are_told_and_the_others_done(fleet: Fleet) -> None:
    done: list[str] = []

    def work(host: Host) -> None:
        host.run("exit 1" if host.name != "n2" else "true")
        done.append(host.name)

    with pytest.raises(Permanent, match="2 hosts failed") as error:
        fleet.each(work)
    assert "n1: command ended with 1" in str(error.value)
    assert "n3: command ended with 1" in str(error.value)
    assert done == ["n2"]


def test_only_named_hosts_work_and_none_is_no_work(fleet: Fleet) -> None:
    assert set(fleet.each(lambda host: host.name, ["n3"])) == {"n3"}
    assert fleet.each(lambda host: host.name, []) == {}


def test_failures_are_temporary_when_each_of_them_is(fleet: Fleet) -> None:
    def lost(host: Host) -> None:
        raise Temporary(f"{host.name}: lost", cure="wait")

    with pytest.raises(Temporary, match="3 hosts failed") as error:
        fleet.each(lost)
    assert error.value.cure == "wait"


def test_an_interrupt_does_not_wait_for_the_hosts(fleet: Fleet) -> None:
    def work(host: Host) -> None:
        host.run("true")
        if host.name == "n1":
            os.kill(os.getpid(), signal.SIGINT)
        host.run("sleep 60")

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fleet.each(work)
    assert time.monotonic() - began < SOON
    with pytest.raises(BobError, match="interrupted"):
        fleet["n2"].run("true")
