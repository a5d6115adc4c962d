"""Memory, clock, uptime and units of this host, from the kernel and from systemd."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

from healthcheck.node.children import Children
from healthcheck.node.facts import Clock, Memory, Unit

MEMORY, COUNTERS, UPTIME = Path("/proc/meminfo"), Path("/proc/vmstat"), Path("/proc/uptime")
KIB = 1024
MICROSECOND = 1e-6
STA_UNSYNC = 0x40  # adjtimex(2)
SYSTEMCTL_SECONDS = 10.0
PROPERTIES = ("Id", "ActiveState", "NRestarts", "Result")


def memory() -> Memory:
    """See proc(5). Raises `ValueError` when the kernel tells no such thing."""
    found = _numbers(MEMORY.read_text())
    if "MemTotal" not in found or "MemAvailable" not in found:
        raise ValueError(f"{MEMORY} tells no memory")
    killed = _numbers(COUNTERS.read_text()).get("oom_kill", 0)
    return Memory(found["MemTotal"] * KIB, found["MemAvailable"] * KIB, killed)


def uptime() -> float:
    """Seconds since the boot of the kernel."""
    return float(UPTIME.read_text().split()[0])


def clock() -> Clock:
    """What the kernel says of its clock; it changes nothing. Raises `OSError`."""
    state = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
    return Clock(not state.status & STA_UNSYNC, state.maxerror * MICROSECOND)


def units(children: Children, names: Sequence[str]) -> tuple[Unit, ...]:
    """How systemd sees these units. Raises `ValueError` when it cannot be asked."""
    argv = ("systemctl", "show", f"--property={','.join(PROPERTIES)}", *names)
    ended = children.run("systemctl", argv, SYSTEMCTL_SECONDS)
    if ended.code:
        raise ValueError(f"systemctl show ended with {ended.code}")
    return parse_units(ended.output.decode(errors="replace"))


def parse_units(text: str) -> tuple[Unit, ...]:
    """One paragraph for each unit."""
    found = []
    for paragraph in text.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if "Id" in values:
            found.append(
                Unit(
                    values["Id"].removesuffix(".service"),
                    values.get("ActiveState", ""),
                    int(values.get("NRestarts") or 0),
                    values.get("Result", ""),
                )
            )
    return tuple(found)


def _numbers(text: str) -> dict[str, int]:
    rows = (line.replace(":", " ").split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) >= 2 and row[1].isdigit()}


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2) up to what is read, with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )
