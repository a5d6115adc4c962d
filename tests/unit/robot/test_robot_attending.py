"""When duties look, and how that gets rarer while nothing happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sim_clock import SimClock

from bob import logs
from bob.ops.view import ClusterView
from bob.robot.attending import QUIET_INTERVAL, Attendant, due_together
from bob.robot.board import Figures
from bob.robot.duty import Action, Memory, Say
from bob.waiting import Clock


@dataclass
class Watcher:
    name: str
    interval: float
    says: str = ""
    looks: list[float] = field(default_factory=list)

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        self.looks.append(now)
        return (Say(self.says.format(int(now))),) if self.says else ()


def attend(duties: Sequence[Watcher], seconds: float) -> tuple[int, dict[str, tuple[str, ...]]]:
    """How many views it took, and what is told."""
    time = SimClock()
    views: list[float] = []
    means = SimpleNamespace(
        clock=Clock(time.now, time.advance),
        views=SimpleNamespace(get=lambda age: views.append(time.now())),
    )
    remarks: dict[str, tuple[str, ...]] = {}
    attendant = Attendant(duties, cast("Any", means), Figures(), remarks)
    while time.now() < seconds:
        attendant.attend()
        time.advance(0.5)
    return len(views), remarks


def test_duties_share_views() -> None:
    fast, slow = Watcher("fast", 2), Watcher("slow", 3)
    views, _ = attend([fast, slow], 20)
    assert fast.looks == [float(second) for second in range(0, 20, 2)]
    assert views == len(fast.looks)
    assert set(slow.looks) <= set(fast.looks)


def test_looks_get_rarer_while_nothing_happens() -> None:
    quiet = Watcher("quiet", 2)
    attend([quiet], 100)
    assert quiet.looks[1] - quiet.looks[0] == 2
    assert quiet.looks[-1] - quiet.looks[-2] == QUIET_INTERVAL


def test_whoever_has_something_to_say_keeps_everybody_awake() -> None:
    quiet, loud = Watcher("quiet", 2), Watcher("loud", 4, says="for {} s")
    _, remarks = attend([quiet, loud], 100)
    assert quiet.looks[-1] - quiet.looks[-2] == 2
    assert remarks == {"quiet": (), "loud": ("for 96 s",)}


def test_a_remark_whose_numbers_change_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    log = SimpleNamespace(info=lambda event, **fields: told.append(fields["says"]))
    log.bind = lambda **fields: log
    monkeypatch.setattr(logs, "get", lambda: log)
    attend([Watcher("loud", 1, says="n3 is lost for {} s")], 10)
    assert told == ["n3 is lost for 0 s"]


def test_nobody_is_early_alone() -> None:
    duty = Watcher("one", 10)
    assert due_together([duty], {"one": 3.0}, 0.0) == []
    assert due_together([duty], {"one": 3.0}, 3.0) == [duty]


def test_an_alarm_makes_every_duty_due() -> None:
    time = SimClock()
    slow = Watcher("slow", 600)
    means = SimpleNamespace(
        clock=Clock(time.now, time.advance), views=SimpleNamespace(get=lambda age: None)
    )
    attendant = Attendant([slow], cast("Any", means), Figures(), {})
    attendant.attend()
    time.advance(5)
    attendant.attend()
    attendant.hurry()
    attendant.attend()
    assert slow.looks == [0.0, 5.0]
