"""The fake Consul in real time, for parts that run on several threads."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TypeVar

from fake_consul import FakeConsul, Line
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.clients.consul import Event

T = TypeVar("T")


class WallClock(SimClock):
    """It passes by itself."""

    def now(self) -> float:
        return time.monotonic()

    def later(self, delay: float, action: Callable[[], object]) -> None:
        timer = threading.Timer(delay, action)
        timer.daemon = True
        timer.start()

    def advance(self, seconds: float) -> None:
        time.sleep(seconds)


class ThreadedState(ConsulState):
    def __init__(self) -> None:
        super().__init__(WallClock())
        self.turn = threading.Condition()
        self.events: list[tuple[str, dict[str, str]]] = []


class ThreadedLine(Line):
    """One request at a time, but for those that wait."""

    state: ThreadedState

    def call(self, action: Callable[[], T]) -> T:
        with self.state.turn:
            try:
                return super().call(action)
            finally:
                self.state.turn.notify_all()

    def block(self, seconds: float) -> bool:
        self.state.turn.wait(min(seconds, 0.2))
        return True


class FakeEvent(Event):
    def __init__(self, state: ThreadedState) -> None:
        self._state = state

    def fire(self, name: str, payload: Mapping[str, str]) -> None:
        self._state.events.append((name, json.loads(json.dumps(payload))))


class ThreadedConsul(FakeConsul):
    def __init__(self, state: ThreadedState, node: str) -> None:
        super().__init__(state, node, ThreadedLine(state))
        self.http = SimpleNamespace(before_write=lambda: None)
        self.event = FakeEvent(state)
