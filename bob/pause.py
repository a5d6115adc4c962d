"""The robot's pause: who asked for it, why, and until when. Kept in `bob/pause`; absent: none.

While it is in force the leader keeps its lock and looks on, but begins no step and no duty.
"""

from __future__ import annotations

import datetime
import re

from pydantic import BaseModel, ConfigDict

from bob.errors import UsageError

PAUSE_KEY = "bob/pause"
DURATION = re.compile(r"(\d+)\s*([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
WAYS = "a duration (90s, 30m, 2h, 1d), a time of day (14:30) or a time (2026-01-31T14:30)"


class Pause(BaseModel):
    """A pause as stored. `until` is UTC; None: until somebody ends it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    who: str = ""
    why: str = ""
    until: datetime.datetime | None = None

    def in_force(self, now: float) -> bool:
        """Whether the robot rests at `now` (Unix time, seconds)."""
        return self.until is None or now < self.until.timestamp()

    @property
    def sentence(self) -> str:
        """For people: "paused by ann@desk until 2026-01-31 14:30 UTC: work on the switches"."""
        until = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return f"paused by {self.who or 'somebody'}{until}" + (f": {self.why}" if self.why else "")


def parse_pause(value: bytes) -> Pause:
    """What is in the key; one that cannot be read pauses all the same, since somebody wished it."""
    try:
        found = Pause.model_validate_json(value)
    except ValueError:
        return Pause(why="bob/pause cannot be read")
    if found.until and found.until.tzinfo is None:
        return found.model_copy(update={"until": found.until.replace(tzinfo=datetime.UTC)})
    return found


def parse_until(text: str, now: datetime.datetime) -> datetime.datetime:
    """The end of a pause as an operator writes it, in UTC. Raises `UsageError`.

    `now` has the operator's time zone, which also holds for a time that names none.
    """
    word = text.strip()
    if match := DURATION.fullmatch(word):
        until = now + datetime.timedelta(**{UNITS[match[2]]: int(match[1])})
    else:
        until = _moment(word, now)
    if until <= now:
        raise UsageError(f"--until {text}: that is over already", cure=f"Give {WAYS}.")
    return until.astimezone(datetime.UTC)


def _moment(word: str, now: datetime.datetime) -> datetime.datetime:
    try:
        if "-" not in word and ":" in word:
            today = datetime.datetime.combine(now, datetime.time.fromisoformat(word), now.tzinfo)
            return today if today > now else today + datetime.timedelta(days=1)
        found = datetime.datetime.fromisoformat(word)
    except ValueError:
        raise UsageError(f"--until {word}: not a time", cure=f"Give {WAYS}.") from None
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)
