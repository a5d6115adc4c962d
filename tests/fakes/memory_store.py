"""A store without disk, for simulations. It passes the contract of `bob.ops.store.Store`."""

from __future__ import annotations

from bob.errors import ScopeHeld
from bob.ops.record import Operation
from bob.ops.states import FINISHED
from bob.ops.store import Conflict


class MemoryStore:
    def __init__(self) -> None:
        self._records: dict[str, tuple[Operation, int]] = {}
        self._active: dict[str, str] = {}

    def create(self, operation: Operation) -> int:
        for scope in operation.scopes:
            if scope in self._active:
                raise ScopeHeld(f"{scope} is held by operation {self._active[scope]}")
        self._records[operation.id] = (operation, 1)
        self._active |= dict.fromkeys(operation.scopes, operation.id)
        return 1

    def read(self, operation_id: str) -> tuple[Operation, int]:
        return self._records[operation_id]

    def write(self, operation: Operation, version: int) -> int:
        if self._records[operation.id][1] != version:
            raise Conflict(f"operation {operation.id} was changed")
        self._records[operation.id] = (operation, version + 1)
        if operation.state in FINISHED:
            self._active = {s: i for s, i in self._active.items() if i != operation.id}
        return version + 1

    def active(self, scope: str) -> str | None:
        return self._active.get(scope)

    def list(self) -> list[Operation]:
        return [self._records[key][0] for key in sorted(self._records)]
