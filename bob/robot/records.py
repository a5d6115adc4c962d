"""All unfinished operations as one read gives them, parsed only where they changed."""

from __future__ import annotations

from bob import logs
from bob.clients.consul import Consul, Indexed, KvEntry
from bob.ops.consul_store import OPERATIONS
from bob.ops.record import Operation
from bob.robot.decide import Seen
from bob.waiting import Clock

Records = tuple[Seen, ...]


class Reader:
    """Blocking reads of `bob/ops/`; remembers when each version was seen first."""

    def __init__(self, consul: Consul, clock: Clock) -> None:
        self._consul = consul
        self._clock = clock
        self._known: dict[str, Seen | None] = {}
        self._versions: dict[str, int] = {}

    def read(self, index: int) -> Indexed[Records]:
        """The records once they differ from those at `index`. Unreadable ones are left out."""
        found = self._consul.kv.read_all(OPERATIONS, index=index)
        now = self._clock.now()
        known = {entry.key: self._seen(entry, now) for entry in found.value}
        self._known = known
        self._versions = {entry.key: entry.modify_index for entry in found.value}
        return Indexed(tuple(seen for seen in known.values() if seen), found.index)

    def _seen(self, entry: KvEntry, now: float) -> Seen | None:
        if self._versions.get(entry.key) == entry.modify_index:
            return self._known[entry.key]
        try:
            operation = Operation.model_validate_json(entry.value)
        except ValueError as error:
            logs.get().error("not an operation", key=entry.key, error=str(error))
            return None
        if entry.key != OPERATIONS + operation.id:
            logs.get().error("not an operation", key=entry.key, error=f"it is {operation.id}")
            return None
        return Seen(operation, entry.modify_index, now)
