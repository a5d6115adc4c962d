"""A finding: what was looked at, how it is, and what a person should do about it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class Level(enum.IntEnum):
    """How bad it is. A note is worth knowing, and degrades nothing."""

    OK = 0
    NOTE = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """As it is shown and stored."""
        return self.name.lower()


STATUS = {
    Level.OK: "passing",
    Level.NOTE: "passing",
    Level.WARNING: "warning",
    Level.CRITICAL: "critical",
}
"""Consul's word for each level."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is one sentence; `cure` says what to do, and is empty when there is nothing to do.

    Neither holds numbers that change from look to look: each new text costs the servers a write.
    """

    level: Level
    subject: str
    what: str
    cure: str = ""

    @property
    def bad(self) -> bool:
        """It needs attention."""
        return self.level >= Level.WARNING

    def as_json(self) -> dict[str, str]:
        """In JSON types; the level as a word."""
        return {
            "level": self.level.word,
            "subject": self.subject,
            "what": self.what,
            "cure": self.cure,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Finding:
        """What `as_json` made. Raises `KeyError` for anything else."""
        level = Level[str(body["level"]).upper()]
        return cls(level, str(body["subject"]), str(body["what"]), str(body["cure"]))


def ok(subject: str, what: str) -> Finding:
    """All is well there."""
    return Finding(Level.OK, subject, what)


def worst(findings: Iterable[Finding]) -> Level:
    """The level of the whole."""
    return max((finding.level for finding in findings), default=Level.OK)


def by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first; what is equally bad stays in its order."""
    return tuple(sorted(findings, key=lambda finding: -finding.level))
