"""What the leader does of its own accord: each duty judges a view and answers with actions.

A duty lives in a file of its own in `bob.robot.duties` and is found there; the module offers it as
`DUTY`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from bob import logs
from bob.ops.context import LeaderContext
from bob.ops.kind import Request
from bob.ops.view import ClusterView

Memory = dict[str, Any]
"""What a duty remembers between two looks ("since when is n3 lost"). A new leader starts empty."""


@dataclass(frozen=True)
class Wish:
    """Have an operation carried out.

    It is recorded as a wish of the robot, unless the same one is under way. A refusal (its scope
    is held, a guard stands) is logged and told; the duty simply wishes again at its next look.
    """

    request: Request
    reason: str


@dataclass(frozen=True)
class Do:
    """Do something small at once: safe to repeat, a few seconds at most. `title` says what."""

    title: str
    act: Callable[[LeaderContext], None]


@dataclass(frozen=True)
class Say:
    """Tell people something, as long as the duty says so ("n3 is lost for 12 s of 60 s")."""

    text: str


Action = Wish | Do | Say


class Duty(Protocol):
    """One duty. Only the leader attends to it, and not while the robot is paused."""

    @property
    def name(self) -> str:
        """One word: for logs and metrics."""

    @property
    def interval(self) -> float:
        """Seconds between two looks; looks get fewer while no duty has anything to do or to say."""

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """What to do now, the most important first. No I/O, no clock, no randomness.

        `now` are seconds of a monotonic clock (`view.now` is Unix time). What is put into `memory`
        is there at the next look. What `view` does not know must lead to no action.
        """


@cache
def duties() -> tuple[Duty, ...]:
    """All duties, by name. One that cannot be loaded must not stop the others: it is logged."""
    import bob.robot.duties

    found: list[Duty] = []
    for module in pkgutil.iter_modules(bob.robot.duties.__path__):
        if module.name.startswith("_"):
            continue
        try:
            found.append(importlib.import_module(f"bob.robot.duties.{module.name}").DUTY)
        except Exception as error:
            logs.get().error("BUG", duty=module.name, error=repr(error), exc_info=True)
    return tuple(sorted(found, key=lambda duty: duty.name))
