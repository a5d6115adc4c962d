"""A service of this node in Consul, with one check whose output is what the daemon says last.

Consul keeps a new output to itself for minutes (`check_update_interval`) unless something else
of the check changes too. So the check is registered again with the time of the sentence as its
note: the sentence is seen within a second, and other checks keep their thrift.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bob import logs
from bob.clients.consul import Consul
from bob.daemon.parts import Beat
from bob.errors import BobError

PASSING, WARNING, CRITICAL = "passing", "warning", "critical"
STOPPED = "stopped"
LOOK_SECONDS = 1.0
BETWEEN_SECONDS = 2.0  # at least, however fast sentences change: each costs the servers a write
REFRESH_SECONDS = 10.0
TTL_SECONDS = 30  # an agent that hangs turns critical after this
STOP_SECONDS = 2.0
PATIENCE = 60.0


@dataclass(frozen=True)
class Said:
    """A status and its sentence."""

    status: str
    sentence: str


@dataclass(frozen=True)
class Published:
    """What Consul knows, and when (seconds of a monotonic clock) it was told so."""

    said: Said
    moment: float


@dataclass(frozen=True)
class Announce:
    """Let everybody see this."""

    said: Said


@dataclass(frozen=True)
class Refresh:
    """Say again that nothing has changed: the local agent alone hears it."""

    said: Said


def decide(published: Published | None, said: Said, now: float) -> Announce | Refresh | None:
    """What to tell Consul now."""
    if published is None:
        return Announce(said)
    age = now - published.moment
    if said != published.said:
        return Announce(said) if age >= BETWEEN_SECONDS else None
    return Refresh(said) if age >= REFRESH_SECONDS else None


class CheckReporter:
    """Keeps the check as `said` wants it. `consul` needs the right to write `service`."""

    def __init__(
        self,
        consul: Consul,
        service: str,
        said: Callable[[], Said],
        monotonic: Callable[[], float],
    ) -> None:
        self._consul = consul
        self._service = service
        self._said = said
        self._now = monotonic
        self._published: Published | None = None
        self._fault = logs.Fault("check")

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Report until `stop` is set; the last word is that we stopped."""
        while not stop.is_set():
            beat(PATIENCE)
            self.step()
            stop.wait(LOOK_SECONDS)
        self.close()

    def step(self) -> None:
        """Tell Consul what is new; a failure is logged, and made up for at the next look."""
        if action := decide(self._published, self._said(), self._now()):
            self._act(action)

    def close(self) -> None:
        """The last word is that we stopped."""
        self._act(Announce(Said(CRITICAL, STOPPED)))

    def _act(self, action: Announce | Refresh) -> None:
        agent, said = self._consul.agent, action.said
        try:
            if self._published is None:  # it may know us from before, with another token
                agent.register_service(self._service, TTL_SECONDS, _note(), said.status)
            agent.update_check(self._service, said.status, said.sentence)
            if isinstance(action, Announce):
                agent.register_service(self._service, TTL_SECONDS, _note(), said.status)
            self._published = Published(said, self._now())
            self._fault.passed()
        except BobError as error:
            self._fault.failed(error)
            self._published = None


def _note() -> str:
    return f"said at {datetime.now(UTC).isoformat(sep=' ', timespec='milliseconds')}"
