"""Rules about memory, clock and units. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from healthcheck.findings import Finding, Level, ok
from healthcheck.node.facts import Clock, Memory, NodeFacts, Unit

LOW_MEMORY, LAST_MEMORY = 0.10, 0.04
# Tokens and leases bear seconds; Ceph's monitors and logs of several hosts do not.
AHEAD_SECONDS, FAR_SECONDS = 0.5, 5.0
NEAR_SECONDS = 0.2  # an echo that took longer measures the network, not a clock
RESTARTS = 3  # in ten minutes: more than an upgrade needs
ACTIVE, STARTING = "active", ("activating", "reloading")


def judge(facts: NodeFacts) -> Iterator[Finding]:
    """Everything that was looked at."""
    if facts.memory is not None:
        yield from _memory(facts.memory, facts.recent.get(("killed", ""), 0))
    yield from _clock(facts, facts.clock)
    for unit in facts.units or ():
        yield from _unit(unit, facts.recent.get(("restarts", unit.name), 0))


def _memory(memory: Memory, killed: int) -> Iterator[Finding]:
    share = memory.available / memory.total
    cure = "See who takes it: ps aux --sort -rss | head; move services away or add memory."
    if killed:
        yield Finding(
            Level.WARNING, "memory", "the kernel has killed processes for want of memory",
            f"journalctl -k | grep -i 'killed process'. {cure}",
        )  # fmt: skip
    if share < LOW_MEMORY:
        level = Level.CRITICAL if share < LAST_MEMORY else Level.WARNING
        yield Finding(level, "memory", f"less than {LOW_MEMORY:.0%} is free", cure)
    elif not killed:
        yield ok("memory", "enough is free")


def _clock(facts: NodeFacts, clock: Clock | None) -> Iterator[Finding]:
    cure = "Let chrony or systemd-timesyncd keep it: timedatectl status; chronyc makestep"
    near = {who: echo.ahead for who, echo in (facts.echoes or {}).items()
            if echo.took <= NEAR_SECONDS}  # fmt: skip
    off = abs(_median(near.values())) if near else 0.0
    neighbours = len({name for _, name in near})
    # With one neighbour it cannot be told whose clock is wrong.
    if off >= AHEAD_SECONDS:
        level = Level.CRITICAL if off >= FAR_SECONDS and neighbours > 1 else Level.WARNING
        whom = "most neighbours" if neighbours > 1 else "its only neighbour"
        size = "seconds" if off >= FAR_SECONDS else "part of a second or more"
        yield Finding(level, "clock", f"differs from {whom} by {size}", cure)
    elif clock is not None and not clock.disciplined:
        yield Finding(Level.NOTE, "clock", "no time service keeps it", cure)
    elif clock is not None or near:
        yield ok("clock", "agrees with the neighbours" if near else "is kept by a time service")


def _median(values: Collection[float]) -> float:
    """One of the two in the middle is as good as their mean, and the library for it is large."""
    return sorted(values)[len(values) // 2]


def _unit(unit: Unit, restarts: int) -> Iterator[Finding]:
    journal = f"journalctl -u {unit.name} -n 50"
    if unit.state in STARTING:
        yield Finding(Level.WARNING, unit.name, "is not ready yet", journal)
    elif unit.state != ACTIVE:
        why = f" ({unit.result})" if unit.result not in ("", "success") else ""
        yield Finding(
            Level.CRITICAL, unit.name, f"does not run: {unit.state or 'unknown'}{why}",
            f"{journal}; systemctl restart {unit.name}",
        )  # fmt: skip
    elif restarts >= RESTARTS:
        yield Finding(Level.WARNING, unit.name, "starts again and again", journal)
    else:
        yield ok(unit.name, "runs")
