"""Errors that decide: each class carries its exit code and a line that says what to do now.

BobError                 1  failure
├── UsageError           2  wrong command line or invalid inventory
├── PreflightRefused     3  hosts are not fit; nothing was changed
├── ScopeHeld            5  another operation holds the scope
├── GuardRefused         6  quorum, spread or data would be at risk
├── DeadlinePassed       7  a wait took longer than allowed
├── Unfinished           8  recorded, but not finished
├── Degraded             9  `status` and `doctor` found something wrong
├── Temporary            1  worth another attempt after `delay` seconds
├── Permanent            1  another attempt cannot help
└── LockLost             1  someone else leads now; stop and re-read
"""

from __future__ import annotations

from typing import ClassVar

CHANGES_PENDING = 4
INTERRUPTED = 130


class BobError(Exception):
    """An expected failure. `cure` is one sentence for the operator: what to do now."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return self.message


class UsageError(BobError):
    """The command line or a file given by the operator is wrong."""

    exit_code = 2


class PreflightRefused(BobError):
    """The hosts are not fit for the operation. Nothing was changed."""

    exit_code = 3


class ScopeHeld(BobError):
    """Another operation is active on the same scope."""

    exit_code = 5


class GuardRefused(BobError):
    """A guard (quorum, spread, data) refuses. It is passed only by naming it."""

    exit_code = 6


class DeadlinePassed(BobError):
    """A condition did not become true in time."""

    exit_code = 7


class Unfinished(BobError):
    """The operation is recorded and can be continued, but it is not done."""

    exit_code = 8


class Degraded(BobError):
    """The cluster works, but something in it needs attention."""

    exit_code = 9


class Temporary(BobError):
    """A failure that may pass. `delay` is the number of seconds to wait before trying again."""

    def __init__(self, message: str, *, cure: str = "", delay: float = 1.0) -> None:
        super().__init__(message, cure=cure)
        self.delay = delay


class Permanent(BobError):
    """A failure that another attempt cannot cure."""


class LockLost(BobError):
    """The leader key is no longer ours: stop everything and read again."""
