"""Tasks for nodes: handed out once, found again by the next leader, answered by the agent."""

from __future__ import annotations

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.clients.consul import Consul, Txn, TxnResult
from bob.errors import DeadlinePassed, LockLost, Permanent, Temporary
from bob.ops.consul_store import OPERATIONS
from bob.ops.record import Operation
from bob.ops.states import State
from bob.ops.store import Conflict
from bob.ops.tasks import PAYLOADS, TASKS, Task, Tasks, TaskState
from bob.waiting import Clock, Deadline

KEY = f"{TASKS}n4/op.configure"


class AlwaysLeads:
    def commit(self, txn: Txn) -> TxnResult:
        return txn.commit()


class NeverLeads:
    def commit(self, txn: Txn) -> TxnResult:
        raise LockLost("another one leads")


@pytest.fixture
def time() -> SimClock:
    return SimClock()


@pytest.fixture(params=["fake", "real"])
def consul(request: pytest.FixtureRequest, time: SimClock) -> Consul:
    if request.param == "fake":
        made: Consul = FakeConsul(ConsulState(time))
    else:
        made = request.getfixturevalue("brisk_consul")
        made.kv.delete("bob/", recurse=True)
    for name in ("op", "op2"):
        record(made, name, State.RUNNING)
    return made


def record(consul: Consul, name: str, state: State) -> None:
    operation = Operation(id=name, kind="t", target="n4", scopes=("node/n4",), state=state)
    consul.kv.put(OPERATIONS + name, operation.model_dump_json())


@pytest.fixture
def tasks(consul: Consul) -> Tasks:
    return Tasks(consul, AlwaysLeads(), "op", epoch=3)


def deadline(time: SimClock, seconds: float = 5) -> Deadline:
    return Deadline(seconds, Clock(now=time.now, sleep=time.advance))


def stored(consul: Consul) -> Task:
    entry = consul.kv.get(KEY)
    assert entry
    return Task.model_validate_json(entry.value)


def answer(consul: Consul, state: TaskState, **fields: object) -> None:
    """What the agent of the node does."""
    done = stored(consul).model_copy(update={"state": state, **fields})
    consul.kv.put(KEY, done.model_dump_json())


def test_a_task_is_handed_out_with_its_payload_and_epoch(consul: Consul, tasks: Tasks) -> None:
    tasks.start("n4", "configure", "configure", {"restart": ["nomad"]}, b"files")
    task = stored(consul)
    assert (task.kind, task.epoch, task.attempt, task.state) == ("configure", 3, 1, "pending")
    payload = consul.kv.get(f"{PAYLOADS}n4/op.configure")
    assert payload and payload.value == b"files"


def test_the_next_leader_finds_the_task_under_way(
    consul: Consul, tasks: Tasks, time: SimClock
) -> None:
    tasks.start("n4", "configure", "configure", {}, b"files")
    answer(consul, TaskState.DONE, result={"changed": 2})
    next_leader = Tasks(consul, AlwaysLeads(), "op", epoch=9)
    found = next_leader.run("n4", "configure", "configure", deadline(time), {}, b"files")
    assert found == {"changed": 2}
    assert stored(consul).attempt == 1


@pytest.mark.parametrize(
    ("args", "payload"), [({"restart": ["nomad"]}, b"files"), ({}, b"other files")]
)
def test_another_wish_is_another_attempt(
    consul: Consul, tasks: Tasks, args: dict[str, object], payload: bytes
) -> None:
    tasks.start("n4", "configure", "configure", {}, b"files")
    answer(consul, TaskState.DONE)
    tasks.start("n4", "configure", "configure", args, payload)
    task = stored(consul)
    assert (task.attempt, task.state) == (2, "pending")


@pytest.mark.parametrize(("retry", "error"), [(True, Temporary), (False, Permanent)])
def test_a_failed_task_tells_its_reason_and_is_handed_out_again(
    consul: Consul, tasks: Tasks, time: SimClock, retry: bool, error: type[Exception]
) -> None:
    tasks.start("n4", "configure", "configure")
    answer(consul, TaskState.FAILED, error="the disk is full", retry=retry)
    with pytest.raises(error, match="n4: the disk is full"):
        tasks.wait("n4", "configure", deadline(time))
    tasks.start("n4", "configure", "configure")
    assert stored(consul).attempt == 2


def test_a_silent_agent_costs_the_deadline(consul: Consul, tasks: Tasks, time: SimClock) -> None:
    with pytest.raises(DeadlinePassed, match="n4: configure is pending after 5 s"):
        tasks.run("n4", "configure", "configure", deadline(time))


def test_who_does_not_lead_hands_nothing_out(consul: Consul) -> None:
    with pytest.raises(LockLost):
        Tasks(consul, NeverLeads(), "op", 1).start("n4", "configure", "configure", {}, b"files")
    assert consul.kv.keys(TASKS) == consul.kv.keys(PAYLOADS) == ()


@pytest.mark.parametrize("state", [State.PAUSED, State.FAILED])
def test_an_operation_that_is_not_at_work_hands_nothing_out(
    consul: Consul, tasks: Tasks, state: State
) -> None:
    record(consul, "op", state)
    with pytest.raises(Conflict):
        tasks.start("n4", "configure", "configure")
    assert consul.kv.keys(TASKS) == ()


def test_a_late_request_hands_nothing_out(consul: Consul) -> None:
    class Late:
        def commit(self, txn: Txn) -> TxnResult:
            record(consul, "op", State.ABORTING)
            return txn.commit()

    with pytest.raises(Temporary):
        Tasks(consul, Late(), "op", 3).start("n4", "configure", "configure", {}, b"files")
    assert consul.kv.keys(TASKS) == consul.kv.keys(PAYLOADS) == ()


def test_before_an_undo_nothing_begins_and_nothing_runs(
    consul: Consul, tasks: Tasks, time: SimClock
) -> None:
    tasks.start("n4", "configure", "configure")
    tasks.start("n5", "configure", "configure")
    answer(consul, TaskState.RUNNING)
    limit = deadline(time, 1)
    tasks.settle(limit)  # n4 hangs
    assert limit.passed()
    assert consul.kv.keys(TASKS) == (KEY,)
    answer(consul, TaskState.DONE)
    limit = deadline(time, 5)
    tasks.settle(limit)
    assert not limit.passed()


def test_nothing_is_left_of_the_tasks_of_an_operation(consul: Consul, tasks: Tasks) -> None:
    tasks.start("n4", "configure", "configure", {}, b"files")
    Tasks(consul, AlwaysLeads(), "op2", 3).start("n4", "configure", "configure", {}, b"files")
    tasks.forget()
    assert consul.kv.keys(PAYLOADS) == (f"{PAYLOADS}n4/op2.configure",)
    assert consul.kv.keys(TASKS) == (f"{TASKS}n4/op2.configure",)
