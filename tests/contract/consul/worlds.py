"""The same questions to a real agent and to the fake: only how time passes differs."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.clients.consul import Consul
from bob.waiting import Clock, pause


class World(ABC):
    client: Consul
    clock: Clock

    @abstractmethod
    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen while the test waits."""

    def seconds_until(self, condition: Callable[[], bool], limit: float) -> float:
        """How long it took until the condition held; fails after `limit` seconds."""
        began = self.clock.now()
        while not condition():
            assert self.clock.now() - began < limit, f"not within {limit} s"
            pause(0.02, self.clock)
        return self.clock.now() - began


class RealWorld(World):
    def __init__(self, client: Consul) -> None:
        self.client = client
        self.clock = Clock(now=time.monotonic)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()


class FakeWorld(World):
    def __init__(self) -> None:
        self.time = SimClock()
        self.client = FakeConsul(ConsulState(self.time), node="host11")
        self.clock = Clock(now=self.time.now, sleep=self.time.advance)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        self.time.later(seconds, action)
