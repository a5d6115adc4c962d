"""When a check begins to speak: after a boot everything is in motion for a while. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bob.daemon.check import Said
from healthcheck.findings import STATUS, Finding, worst
from healthcheck.table import LIMIT, summary, table

SILENT_SECONDS = 600.0  # of the host's uptime
SETTLING = "The host has just started; findings count once all is well, or 10 minutes after a boot."


@dataclass(frozen=True, slots=True)
class Voice:
    """Whether a check speaks. Once it does, it goes on."""

    speaks: bool = False


def voice(before: Voice, uptime: float, complete: bool, findings: Sequence[Finding]) -> Voice:
    """It speaks after ten minutes of uptime, or after a first full pass.

    A pass is full when everything was looked at (`complete`) and nothing needs attention.
    """
    passed = complete and not any(finding.bad for finding in findings)
    return Voice(before.speaks or passed or uptime >= SILENT_SECONDS)


def said(now: Voice, complete: bool, findings: Sequence[Finding]) -> Said:
    """What the check says: passing while it is silent, then the worst that was found."""
    if not complete and not findings:
        return Said("passing", "looking around for the first time")
    if not now.speaks:
        head = f"silent: {SETTLING}\n"
        return Said("passing", head + table(findings, LIMIT - len(head)))
    head = f"{summary(findings)}\n"
    return Said(STATUS[worst(findings)], head + table(findings, LIMIT - len(head)))
