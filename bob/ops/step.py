"""The contract of a step: it can tell whether it is needed, and it can be applied twice."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from bob.errors import DeadlinePassed
from bob.waiting import Deadline, pause

C = TypeVar("C")


class Need(enum.Enum):
    """What a probe found."""

    DONE = "done"
    NEEDED = "needed"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True)
class Probe:
    """The answer of a probe; `reason` completes "needed because …" for people."""

    need: Need
    reason: str = ""


DONE = Probe(Need.DONE)


def needed(reason: str) -> Probe:
    """The step has to be applied."""
    return Probe(Need.NEEDED, reason)


def impossible(reason: str) -> Probe:
    """The step cannot be applied, now or later, without somebody changing something."""
    return Probe(Need.IMPOSSIBLE, reason)


class Step(ABC, Generic[C]):
    """One piece of an operation, over a context `C`.

    `probe` looks at the world and changes nothing. `apply` makes the probe say done; it may be
    interrupted anywhere and is then simply applied again, so every effect in it is safe to repeat.
    `undo` takes back what `apply` did, as far as that is possible, wherever it was interrupted.

    `timeout` is in seconds; where the operator chooses it, a step sets its own when it is made.
    With `wish_left_traces` that is also done when `apply` was never begun: whoever recorded the
    operation had prepared something for it.

    `final` marks the point of no return: once it has begun, the operation goes on to its end.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    timeout: float = 120.0
    attempts: ClassVar[int] = 3
    final: ClassVar[bool] = False
    wish_left_traces: ClassVar[bool] = False

    @abstractmethod
    def probe(self, context: C) -> Probe:
        """Say whether the step is done, needed or impossible."""

    @abstractmethod
    def apply(self, context: C, deadline: Deadline) -> None:
        """Do it. Raises `Temporary` when another attempt may help, else any other `BobError`."""

    def undo(self, context: C, deadline: Deadline) -> None:
        """Take it back, for an operation that is aborted. Safe to repeat."""

    def wait_until_done(
        self, context: C, deadline: Deadline, *, cure: str = "", interval: float = 0.1
    ) -> None:
        """Probe until nothing is needed. Raises `DeadlinePassed` that says what was missing."""
        while (found := self.probe(context)).need is not Need.DONE:
            if deadline.passed():
                message = f"{self.title}: not done within {deadline.seconds:.0f} s: {found.reason}"
                raise DeadlinePassed(message, cure=cure)
            pause(interval, deadline.clock)
