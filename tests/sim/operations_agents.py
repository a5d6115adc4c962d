"""The processes of the simulation: agents on servers, agents of nodes, and operators."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from operations_steps import KINDS, SimContext, wish
from operations_world import GOSSIP_SECONDS, World, client, parse
from session_memory import SessionInMemory

from bob.clients.http import Unreachable
from bob.election import Elector
from bob.errors import BobError, LockLost, ScopeHeld
from bob.ops.consul_store import OPERATIONS, ConsulStore
from bob.ops.engine import Engine
from bob.ops.record import Operation, StepRecord
from bob.ops.states import FINISHED, State
from bob.ops.store import Conflict
from bob.ops.tasks import TASKS, Task, Tasks, TaskState
from bob.robot.decide import Ended, Look, Mode, Seen, decide
from bob.robot.housekeeping import keep_house
from bob.waiting import Clock

_instances = itertools.count(1)


class Silent:
    def started(self, step: StepRecord, reason: str) -> None: ...
    def retrying(self, step: StepRecord, error: BobError, delay: float) -> None: ...
    def finished(self, step: StepRecord, applied: bool) -> None: ...


class ServerAgent:
    """The agent of a server: its elector, its loop, and a worker for each running operation."""

    def __init__(self, world: World, node: str) -> None:
        self.world = world
        self.node = node
        self.memory = SessionInMemory()
        self.group = ""
        self._rate = world.random.uniform(0.97, 1.03)

    def start(self) -> None:
        """A new process; the memory of the session outlives the old one."""
        self.group = f"{self.node}#{next(_instances)}"
        world = self.world
        consul = client(world, self.node, self.group)
        clock = Clock(now=lambda: 1000 + world.clock.now() * self._rate, sleep=world.sleep)
        elector = Elector(consul, self.node, self.memory, clock=clock)
        workers: dict[str, Mode] = {}
        ended: dict[str, Ended] = {}

        def elect() -> None:
            while True:
                elector.step()
                world.sleep(0.01)

        def lead() -> None:
            store = ConsulStore(consul, elector, kept=10_000, clock=clock)
            while True:
                try:
                    elector.leadership()
                    keep_house(consul, elector)
                    seen = [
                        Seen(parse(entry), entry.modify_index)
                        for entry in consul.kv.list(OPERATIONS)
                    ]
                    for name, mode in decide(Look(seen, workers, ended), clock.now()).start:
                        workers[name] = mode
                        self._work(name, mode, store, elector, clock, workers, ended)
                except (LockLost, Unreachable):
                    pass
                world.sleep(0.3)

        world.actors.spawn(self.group, "elect", elect)
        world.actors.spawn(self.group, "lead", lead)

    def kill(self, *, power: bool) -> None:
        """The process ends; without power the host does, and gossip notices it."""
        self.world.actors.kill(self.group)
        if power:
            self.memory.save("")
            self.world.clock.later(
                GOSSIP_SECONDS, lambda: self.world.state.end_sessions_of(self.node)
            )

    def _work(
        self,
        name: str,
        mode: Mode,
        store: ConsulStore,
        elector: Elector,
        clock: Clock,
        workers: dict[str, Mode],
        ended: dict[str, Ended],
    ) -> None:
        world = self.world

        def stoppable(seconds: float) -> None:
            clock.sleep(seconds)
            elector.leadership()
            state = store.read(name)[0].state
            if mode is Mode.RUN and state is not State.RUNNING:
                raise Conflict(f"the operation is {state}")

        def work() -> None:
            try:
                own = Clock(now=clock.now, sleep=stoppable)
                epoch = elector.leadership().epoch
                tasks = Tasks(client(world, self.node, self.group), elector, name, epoch)
                operation, _ = store.read(name)
                context = SimContext(operation, world, elector, tasks, own)
                engine = Engine(store, KINDS[operation.kind], Silent(), own)
                run: Callable[[str, SimContext], Operation] = (
                    engine.abort if mode is Mode.ABORT else engine.run
                )
                run(name, context)
                tasks.forget()
            except (BobError, KeyError):
                pass
            finally:
                del workers[name]
                entry = world.state.entries.get(OPERATIONS + name)
                ended[name] = Ended(entry.modify_index if entry else 0, clock.now())

        world.actors.spawn(self.group, name, work)


class NodeAgents:
    """The agents of all nodes: each does the tasks of its node, and dies now and then."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._consul = client(world, "fleet", "fleet")
        self._busy: set[str] = set()
        world.actors.spawn("fleet", "look", self._look)

    def _look(self) -> None:
        while True:
            for key, entry in list(self._world.state.entries.items()):
                if key.startswith(TASKS) and key not in self._busy:
                    task = Task.model_validate_json(entry.value)
                    if task.state in (TaskState.PENDING, TaskState.RUNNING):
                        self._busy.add(key)
                        self._world.actors.spawn("fleet", key, lambda key=key: self._do(key))
            self._world.sleep(0.3)

    def _do(self, key: str) -> None:
        world = self._world
        try:
            if self._set(key, TaskState.RUNNING, (TaskState.PENDING, TaskState.RUNNING)):
                world.sleep(world.random.uniform(0, 5))
                if world.maybe(0.1):
                    return  # it died before the effect
                world.drained.add(key.removeprefix(TASKS).split("/")[0])
                if world.maybe(0.1):
                    return  # it died after the effect
                self._set(key, TaskState.DONE, (TaskState.RUNNING,))
        except BobError:
            return
        finally:
            self._busy.discard(key)

    def _set(self, key: str, state: TaskState, expected: tuple[TaskState, ...]) -> bool:
        entry = self._consul.kv.get(key)
        if entry is None:
            return False
        task = Task.model_validate_json(entry.value)
        if task.state not in expected:
            return False
        changed = {"state": state, "claims": task.claims + (state is TaskState.RUNNING)}
        value = task.model_copy(update=changed).model_dump_json()
        return self._consul.kv.put(key, value, cas=entry.modify_index)


class Operator:
    """Wishes things, changes its mind, and sees to it that all ends."""

    def __init__(self, world: World, wishes: int) -> None:
        self.world = world
        self.recorded: list[Operation] = []
        self.store = ConsulStore(client(world, "desk", "desk"), kept=10_000, clock=Clock(
            now=world.clock.now, sleep=world.sleep))  # fmt: skip
        self.wishing = True
        self._wishes = wishes
        self._ids = (f"{number:026}" for number in itertools.count(1))
        world.actors.spawn("desk", "wish", self._wish)
        world.actors.spawn("desk", "meddle", self._meddle)

    def _wish(self) -> None:
        world, random = self.world, self.world.random
        for _ in range(self._wishes):
            world.sleep(random.uniform(0, 8))
            kind = random.choice(list(KINDS))
            clients = [n for n in world.nodes if n not in world.voters]
            pools = {
                "maintain": world.nodes, "scale": ["web", "db"],
                "promote": clients or world.nodes, "demote": sorted(world.voters),
            }  # fmt: skip
            params = {"count": random.randint(1, 9)} if kind == "scale" else {}
            made = wish(next(self._ids), kind, random.choice(pools[kind]), **params)
            try:
                self.store.create(made)
            except (ScopeHeld, Unreachable):
                if made.id not in {one.id for one in world.operations()}:
                    continue
            self.recorded.append(made)
        self.wishing = False

    def _meddle(self) -> None:
        """Pause, resume, abort and retry; when the chaos is over, only what leads to an end."""
        world, random = self.world, self.world.random
        while True:
            world.sleep(random.uniform(0.5, 6))
            for operation in world.operations():
                if operation.state in FINISHED:
                    continue
                wanted = {State.PAUSED: State.RUNNING, State.FAILED: State.RUNNING}.get(
                    operation.state
                )
                if world.maybe(0.1) and operation.state in (State.PENDING, State.RUNNING):
                    wanted = State.PAUSED
                if world.maybe(0.1) and operation.abortable and operation.state not in (
                    State.ABORTING, State.ABORTED
                ):  # fmt: skip
                    wanted = State.ABORTING
                if operation.state is State.FAILED and operation.abortable:
                    wanted = State.ABORTING
                if wanted is not None:
                    self._change(operation.id, wanted)

    def _change(self, operation_id: str, wanted: State) -> None:
        try:
            operation, version = self.store.read(operation_id)
            if wanted is State.ABORTING and not operation.abortable:
                return
            self.store.write(operation.with_state(wanted), version)
        except (BobError, KeyError, ValueError):
            return
