"""A robot with a bug says so, and goes on as far as it can."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator

import pytest
from session_memory import SessionInMemory
from threaded_consul import ThreadedConsul, ThreadedState

from bob.clients.nomad import Nomad
from bob.election import Elector
from bob.robot import Robot
from bob.robot.duty import Duty, duties
from bob.waiting import wait_for
from inventory import NetworkName


@pytest.fixture
def leader() -> Iterator[Elector]:
    elector = Elector(ThreadedConsul(ThreadedState(), "n1"), "n1", SessionInMemory())
    over = threading.Event()

    def elect() -> None:
        while not over.is_set():
            elector.step()

    thread = threading.Thread(target=elect, daemon=True)
    thread.start()
    yield elector
    over.set()
    thread.join(10)


def test_a_leader_that_cannot_begin_is_not_healthy(leader: Elector) -> None:
    def broken() -> tuple[Duty, ...]:
        raise ImportError("half of it is missing")

    robot = Robot("n1", {NetworkName.MGMT: ThreadedConsul(ThreadedState(), "n1")}, leader,
                  lambda: Nomad("http://127.0.0.1:1"), attends_to=broken)  # fmt: skip
    stop = threading.Event()
    thread = threading.Thread(target=robot.run, args=(stop,), daemon=True)
    thread.start()
    wait_for(lambda: not robot.healthy(), what="it is unhealthy", deadline=10)
    assert "n1 leads, and does nothing: BUG: ImportError" in robot.sentence()
    stop.set()
    thread.join(10)


def test_a_duty_that_cannot_be_loaded_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    load = importlib.import_module

    def failing(name: str) -> object:
        if name.endswith(".quorum"):
            raise ImportError(name)
        return load(name)

    duties.cache_clear()
    everything = {duty.name for duty in duties()}
    duties.cache_clear()
    monkeypatch.setattr("bob.robot.duty.importlib.import_module", failing)
    assert {duty.name for duty in duties()} == everything - {"quorum"}
    monkeypatch.undo()
    duties.cache_clear()
