"""All judgement of the election: what to do next, and whether we lead. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from bob.clients.consul import KvEntry
from bob.clients.consul.kv import WAIT_SECONDS
from bob.election.timing import RETRY_SECONDS, Timing

LEADER_KEY = "bob/leader"  # never deleted or put: the epoch would start again


@dataclass(frozen=True, slots=True)
class View:
    """What one agent knows. Moments are seconds of its own clock.

    `renewed`: when the last renewal that was answered was sent. `key` is the leader key as last
    read and `index` its place in time, 0 when it has to be read again. `not_before`: a free lock
    was refused, so its delay runs; asking earlier is useless.
    """

    session: str = ""
    renewed: float = -inf
    key: KvEntry | None = None
    index: int = 0
    not_before: float = -inf

    @property
    def holder(self) -> str:
        """The session that holds the lock, "" for none."""
        return self.key.session if self.key else ""

    @property
    def leads(self) -> bool:
        """The lock was ours when the key was last read."""
        return bool(self.session) and self.holder == self.session


@dataclass(frozen=True, slots=True)
class Leadership:
    """The right to act as leader, until `valid_until` on the local clock.

    `epoch` rises with each new holder and goes along with every effect outside of Consul, so that
    the effect of an older leader can be told and refused.
    """

    epoch: int
    session: str
    valid_until: float


@dataclass(frozen=True, slots=True)
class Create:
    """Make a session."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Renew the session."""


@dataclass(frozen=True, slots=True)
class Acquire:
    """Take the lock, or as its holder write our name into it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Read the key; wait up to `wait` seconds for it to differ from what was read before."""

    wait: float


Action = Create | Renew | Acquire | Watch


def decide(view: View, now: float, timing: Timing, name: bytes) -> Action:
    """The next action of an agent that wants to lead; `name` is what it writes into the key.

    As long as another one leads, all it costs is one blocking read: the session of an agent that
    does not lead is left to run out, and made anew when the lock is free.
    """
    if not view.index:
        return Watch(0)
    if view.holder and not view.leads:
        return Watch(WAIT_SECONDS)
    if not view.session:
        return Create()
    left = view.renewed + timing.interval - now
    if left <= 0:
        return Renew()
    if view.leads:
        named = view.key is not None and view.key.value == name
        return Watch(left) if named else Acquire()
    if now < view.not_before:
        return Watch(min(left, RETRY_SECONDS))
    return Acquire()


def leadership(view: View, now: float, timing: Timing) -> Leadership | None:
    """Our leadership, when we have the lock and heard so recently enough."""
    valid_until = view.renewed + timing.validity
    if view.key is None or not view.leads or now >= valid_until:
        return None
    return Leadership(view.key.lock_index, view.session, valid_until)
