"""A cluster of any size in simulated time: agents that run operations, and a fleet of nodes.

Real are the election, the store, the tasks, the engine and what decides which operation runs.
Simulated are Consul (the fake that passes the real one's contract), network, nodes and time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from fake_consul import FakeConsul, Fault, Line
from fake_consul_state import ConsulState
from sim_actors import Actors
from sim_clock import SimClock

from bob.clients.consul import KvEntry, TxnOperation, TxnResult
from bob.clients.http import Unreachable
from bob.election import LEADER_KEY
from bob.ops.consul_store import ACTIVE, HISTORY, OPERATIONS
from bob.ops.record import Operation
from bob.ops.states import FINISHED
from bob.ops.tasks import TASKS

T = TypeVar("T")
TIMEOUT = 2.0
GOSSIP_SECONDS = 3.0
FAULT_RATE = 0.02
FREEZE_RATE = 0.002


class Broken(AssertionError):
    """An invariant does not hold."""


class WatchedState(ConsulState):
    """Judges every write at the moment when it takes effect."""

    def __init__(self, clock: SimClock) -> None:
        super().__init__(clock)
        self.ended: Counter[str] = Counter()

    def commit(self, operations: Sequence[TxnOperation]) -> TxnResult:
        before = {o.key: self.entries.get(o.key) for o in operations}
        result = super().commit(operations)
        if not result.ok:
            return result
        guards = [o for o in operations if o.verb == "check-session"]
        lock = self.entries.get(LEADER_KEY)
        for operation in operations:
            if operation.key.startswith((OPERATIONS, HISTORY)) and operation.value:
                new = Operation.model_validate_json(operation.value)
                old = before[operation.key]
                stamped = old is None or parse(old).epoch != new.epoch
                leads = new.epoch and (guards or stamped)  # an operator leaves the epoch as it is
                if leads and (lock is None or not lock.session or new.epoch != lock.lock_index):
                    raise Broken(f"{new.id} was written by epoch {new.epoch}, the lock is {lock}")
                if old and parse(old).epoch > new.epoch:
                    raise Broken(f"{new.id} fell back to epoch {new.epoch}")
                if operation.key.startswith(HISTORY):
                    self._ended(new)
        return result

    def _ended(self, operation: Operation) -> None:
        self.ended[operation.id] += 1
        if self.ended[operation.id] > 1:
            raise Broken(f"{operation.id} ended twice")
        if operation.state not in FINISHED:
            raise Broken(f"{operation.id} is in the history and {operation.state}")
        if any(e.value.decode() == operation.id
               for key, e in self.entries.items() if key.startswith(ACTIVE)):  # fmt: skip
            raise Broken(f"{operation.id} ended and holds a scope")


class World:
    """What the operations work on, and the accidents that happen meanwhile.

    `voters` is the quorum; `joining` and `leaving` are servers in the middle of a change, by the
    operation that changes them. `registered` is what Nomad would know: count and index of services.
    """

    def __init__(self, seed: int, nodes: int, servers: int) -> None:
        self.random = random.Random(seed)
        self.clock = SimClock()
        self.state = WatchedState(self.clock)
        self.actors = Actors(self.clock, self.random)
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self.servers = self.nodes[:servers]
        self.voters = set(self.servers)
        self.changing: dict[str, str] = {}
        self.registered: dict[str, tuple[int, int]] = {}
        self.drained: set[str] = set()
        self.cut_until: dict[str, float] = {}
        self.chaos = True

    def maybe(self, chance: float) -> bool:
        return self.chaos and self.random.random() < chance

    def sleep(self, seconds: float) -> None:
        self.actors.sleep(seconds)

    # What steps do to the world

    def begin_change(self, operation: str, node: str) -> None:
        """A server change is under way until it is settled."""
        others = {name: by for name, by in self.changing.items() if by != operation}
        if others:
            raise Broken(f"{operation} changes {node} while {others} is under way")
        self.changing[node] = operation

    def settle_change(self, node: str, *, voter: bool) -> None:
        known = self.voters | set(self.changing)
        self.voters = self.voters | {node} if voter else self.voters - {node}
        self.changing.pop(node, None)
        if len(self.voters) <= len(known) // 2:
            raise Broken(f"{len(self.voters)} voters of {len(known)} known servers")

    def register(self, service: str, count: int, index: int) -> bool:
        """What Nomad does with an enforced index."""
        _, current = self.registered.get(service, (0, 0))
        if current != index:
            return False
        self.registered[service] = (count, current + 1)
        return True

    def finished(self) -> bool:
        return not any(key.startswith((OPERATIONS, TASKS)) for key in self.state.entries)

    def operations(self) -> list[Operation]:
        return [
            parse(entry)
            for key, entry in self.state.entries.items()
            if key.startswith((OPERATIONS, HISTORY))
        ]


class SimLine(Line):
    """The way from one process to Consul: slow, lossy, and sometimes cut."""

    def __init__(self, world: World, node: str, group: str) -> None:
        super().__init__(world.state)
        self._world = world
        self._node = node
        self._group = group

    def fault(self) -> Fault | None:
        world = self._world
        self._stumble()
        world.sleep(world.random.choice((0.0, 0.001, 0.05)))
        if world.clock.now() < world.cut_until.get(self._node, 0.0):
            return world.random.choice((Fault.UNREACHABLE, Fault.REQUEST_LOST))
        self.late = world.random.uniform(0, 15)
        return world.random.choice(list(Fault)) if world.maybe(FAULT_RATE) else None

    def answered(self) -> None:
        self._stumble()

    def block(self, seconds: float) -> bool:
        if not self._world.actors.inside:  # a late request: nobody waits for its answer
            return False
        self._world.sleep(min(seconds, self._world.random.uniform(0.1, 3.0)))
        return self._world.random.random() < 0.5

    def call(self, action: Callable[[], T]) -> T:
        try:
            return super().call(action)
        except Unreachable as error:
            self._world.sleep(TIMEOUT if error.sent else 0.01)
            raise

    def _stumble(self) -> None:
        """The process is frozen before a request or after its answer."""
        if self._world.maybe(FREEZE_RATE):
            self._world.actors.freeze(self._group, self._world.random.choice((1.0, 12.0, 30.0)))
            self._world.sleep(0.0)


def parse(entry: KvEntry) -> Operation:
    return Operation.model_validate_json(entry.value)


def client(world: World, node: str, group: str) -> FakeConsul:
    return FakeConsul(world.state, node, SimLine(world, node, group))
