"""Operations of a whole cluster under crashes, freezes, cuts, lost answers and meddling operators.

A schedule is a seed. At every write of the KV, and at every change of the quorum, the invariants
are judged: a record is written by the holder of the lock alone and never falls back to an older
epoch, it ends once, its scopes are free then; never two changes of servers at once; never less than
a majority. At the end every recorded operation has ended, and the world is as the operations say.
A failure names its seed; `check(SEED)` replays it.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor

import operations_world
import pytest
from operations_agents import NodeAgents, Operator, ServerAgent
from operations_world import Broken, World, parse

from bob.clients.consul import Txn, TxnResult
from bob.election import Elector
from bob.errors import BobError
from bob.ops.consul_store import HISTORY
from bob.ops.record import Operation
from bob.ops.states import FINISHED, State, StepState
from bob.ops.tasks import Tasks

SCHEDULES = int(os.environ.get("BOB_SIM_SCHEDULES", "10000"))
PROCESSES = 2
CHAOS_SECONDS = 60.0
END_SECONDS = 1800.0
SIZES = (3, 3, 4, 5, 8, 30, 500)


def run(seed: int) -> tuple[World, Operator]:
    sizes = SIZES[seed % len(SIZES)]
    world = World(seed, nodes=sizes, servers=5 if sizes >= 8 and seed % 2 else 3)
    agents = [ServerAgent(world, name) for name in world.servers]
    for agent in agents:
        agent.start()
    NodeAgents(world)
    operator = Operator(world, wishes=world.random.randint(1, 6))
    world.actors.spawn("fate", "fate", lambda: fate(world, agents))
    try:
        world.actors.run(
            lambda: not world.chaos and not operator.wishing and world.finished(), END_SECONDS
        )
    finally:
        world.actors.stop()
    return world, operator


def fate(world: World, agents: list[ServerAgent]) -> None:
    """Accidents for a while, then quiet."""
    random = world.random
    while world.clock.now() < CHAOS_SECONDS:
        world.sleep(random.uniform(0, 12))
        agent = random.choice(agents)
        match random.choice(("kill", "power", "freeze", "cut")):
            case "kill":
                agent.kill(power=False)
                world.sleep(random.choice((0.0, 1.0)))
                agent.start()
            case "power":
                agent.kill(power=True)
                world.sleep(random.uniform(5, 20))
                agent.start()
            case "freeze":
                world.actors.freeze(agent.group, random.choice((2.0, 12.0, 40.0)))
            case "cut":
                world.cut_until[agent.node] = world.clock.now() + random.choice((2.0, 12.0, 40.0))
    world.chaos = False


def judge(world: World, operator: Operator) -> None:
    """What holds when all is over."""
    ended = {one.id: one for one in world.operations()}
    for wished in operator.recorded:
        found = ended.get(wished.id)
        if found is None or found.state not in FINISHED:
            raise Broken(f"{wished.kind} of {wished.target} was lost: {found}")
    assert not [key for key in world.state.entries if key.startswith(("bob/active/", "bob/tasks/"))]
    assert not world.changing
    entries = [e for key, e in world.state.entries.items() if key.startswith(HISTORY)]
    last = {one.scopes[0]: one for one in map(parse, sorted(entries, key=lambda e: e.create_index))}
    for one in last.values():
        if one.kind == "scale" and one.state is State.DONE:  # else its effect may be there or not
            assert world.registered[one.target][0] == one.params["count"]
        if one.kind == "maintain" and one.state is State.DONE:
            assert one.target in world.drained
        if one.kind == "maintain" and one.steps[0].state is StepState.UNDONE:
            assert one.target not in world.drained, f"{one.id} was taken back, and is in force"


def check(seed: int) -> None:
    try:
        judge(*run(seed))
    except (AssertionError, TimeoutError, BobError) as error:
        raise Broken(f"seed {seed}: {error}") from error


def check_range(first: int, beyond: int) -> None:
    for seed in range(first, beyond):
        check(seed)


def test_every_schedule_ends_with_each_operation_done_once() -> None:
    batch = max(1, SCHEDULES // 40)
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = [
            pool.submit(check_range, first, min(first + batch, SCHEDULES))
            for first in range(0, SCHEDULES, batch)
        ]
        for part in parts:
            part.result()


def test_a_seed_brings_the_same_schedule_again() -> None:
    first, second = (run(3)[0] for _ in range(2))
    assert first.clock.now() == second.clock.now()
    assert first.state.index == second.state.index


def finds(first: int, beyond: int) -> None:
    with pytest.raises(Broken):
        check_range(first, beyond)


def test_it_finds_a_leader_that_does_not_check_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    def unchecked(self: Elector, txn: Txn) -> TxnResult:
        self.leadership()
        return txn.commit()

    monkeypatch.setattr(Elector, "commit", unchecked)
    # It has to be frozen between its look and its write: then one schedule in a hundred shows it.
    monkeypatch.setattr(operations_world, "FREEZE_RATE", 0.05)
    finds(0, 1000)


def test_it_finds_an_undo_that_does_not_wait_for_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tasks, "settle", lambda self, deadline: None)
    finds(0, 1000)


def test_it_finds_an_abort_beyond_the_point_of_no_return(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Operation, "abortable", True)
    finds(0, 1000)
