"""How a host's clock is read."""

from __future__ import annotations

import time

import pytest

from bob.clients.ssh import Result
from bob.provision import host_report


class SlowToConnect:
    """A host on our clock, to which the first connection takes long."""

    name = "n1"

    def __init__(self) -> None:
        self.now = 1000.0
        self.connected = False

    def run(self, script: str, *, timeout: float = 60.0) -> Result:
        if not self.connected:
            self.now += 7.0
            self.connected = True
        return Result(0, f"clock\t{self.now}\n", "")


def test_a_slow_connection_is_not_a_clock_that_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    host = SlowToConnect()
    monkeypatch.setattr(time, "time", lambda: host.now)
    report = host_report.gather(host)  # type: ignore[arg-type]
    assert report.clock_offset == 0.0
