"""The times of the election and the laws between them, checked wherever they are set."""

from __future__ import annotations

from dataclasses import dataclass

from bob.clients.consul.kv import JITTER
from bob.errors import UsageError

RETRY_SECONDS = 0.25  # between attempts after a failure, and while a lock delay runs
DRIFT = 0.05  # two quartz clocks differ by 0.01 %; the rest is for a process that gets no CPU
MAX_LOCK_DELAY = 60.0  # limit of Consul


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. Consul frees the lock of a leader that falls silent

    - when gossip calls its host dead, 2 to 3 s after a loss of power, or
    - `ttl` to 2 * `ttl` after its last renewal, when only its process is dead;

    and gives it to another `lock_delay` later. The leader renews every `interval`; a call may take
    `timeout`. It acts for `ttl` - `margin` from the moment it *sent* the last renewal that was
    answered, so it stops before its time is over on the servers' clock:

        margin >= DRIFT * ttl

    A watch that gets no answer and then a renewal that gets none do not cost the leadership:

        interval * (1 + JITTER) + 3 * timeout + 2 * RETRY_SECONDS <= ttl - margin

    Consul takes `ttl` from 10 s (`session_ttl_min`) and `lock_delay` up to 60 s.
    """

    ttl: float = 10.0
    interval: float = 2.0
    timeout: float = 2.0
    margin: float = 1.0
    lock_delay: float = 1.0

    def __post_init__(self) -> None:
        """Raise `UsageError` when a law is broken."""
        if min(self.ttl, self.interval, self.timeout) <= 0:
            raise UsageError("election: ttl, interval and timeout must be above 0")
        if not 0 <= self.lock_delay <= MAX_LOCK_DELAY:
            raise UsageError(
                f"election: lock_delay {self.lock_delay:g} s is not within 0 to {MAX_LOCK_DELAY:g}"
            )
        if self.margin < DRIFT * self.ttl:
            raise UsageError(
                f"election: margin {self.margin:g} s is below {DRIFT:.0%} of ttl {self.ttl:g} s",
                cure="Raise margin: clocks differ, and a busy host is late.",
            )
        if self.slowest_renewal > self.validity:
            raise UsageError(
                f"election: a renewal may take {self.slowest_renewal:g} s (interval * {1 + JITTER} "
                f"+ 3 * timeout + {2 * RETRY_SECONDS:g}), but leadership is valid for "
                f"{self.validity:g} s (ttl - margin)",
                cure="Raise ttl, or lower interval or timeout.",
            )

    @property
    def validity(self) -> float:
        """How long a leader may act after it sent a renewal that was answered."""
        return self.ttl - self.margin

    @property
    def slowest_renewal(self) -> float:
        """From one answered renewal to the next when a watch and a renewal are lost between."""
        return self.interval * (1 + JITTER) + 3 * self.timeout + 2 * RETRY_SECONDS
