"""What the engine needs from a place that keeps operations."""

from __future__ import annotations

from typing import Protocol

from bob.errors import BobError
from bob.ops.record import Operation


class Conflict(BobError):
    """The record was changed by somebody else since it was read."""


class RecordStore(Protocol):
    """Keeps records with a version each; a write names the version it replaces."""

    def read(self, operation_id: str) -> tuple[Operation, int]:
        """The record and its version. Raises `KeyError` when there is none."""

    def write(self, operation: Operation, version: int) -> int:
        """Replace the record of that version; return the new version. Raises `Conflict`.

        A finished operation gives up its scopes in the same step.
        """


class Store(RecordStore, Protocol):
    """A whole folder of records; one operation at a time is active in a scope."""

    def create(self, operation: Operation) -> int:
        """Store a new operation and make it the active one of its scopes; return its version.

        Raises `ScopeHeld` when one of them has another active operation.
        """

    def active(self, scope: str) -> str | None:
        """The id of the operation that holds the scope."""

    def list(self) -> list[Operation]:
        """All records, oldest first."""
