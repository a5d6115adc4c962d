"""Tasks as the agent of a node does them: once each, with an outcome, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.agent.epoch import EpochFile
from bob.agent.executor import Executor, Node, Stopping
from bob.agent.machine import Machine
from bob.agent.work import Run, Work
from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.errors import Permanent, Temporary
from bob.ops.tasks import PAYLOADS, TASKS, Task, TaskState
from bob.waiting import Clock

KEY = f"{TASKS}n1/op.step"
PAYLOAD = f"{PAYLOADS}n1/op.step"


@pytest.fixture
def time() -> SimClock:
    return SimClock()


@pytest.fixture(params=["fake", "real"])
def consul(request: pytest.FixtureRequest, time: SimClock) -> Consul:
    if request.param == "fake":
        return FakeConsul(ConsulState(time))
    real: Consul = request.getfixturevalue("brisk_consul")
    real.kv.delete("bob/", recurse=True)
    return real


class Agent:
    """An executor and what happened to it."""

    def __init__(self, consul: Consul, folder: Path, time: SimClock, **kinds: Run) -> None:
        self.consul = consul
        self.said: list[str] = []
        self.ended: list[str] = []
        self.stop = threading.Event()
        self.executor = Executor(
            consul,
            Node("c1", "n1", Machine()),
            EpochFile(folder / "epoch"),
            say=self.said.append,
            end=self.ended.append,
            known=lambda: kinds,
            clock=Clock(now=time.now, sleep=time.advance),
        )

    def step(self) -> None:
        self.executor.step(self.stop, lambda seconds: None)

    def task(self) -> Task:
        entry = self.consul.kv.get(KEY)
        assert entry
        return Task.model_validate_json(entry.value)


@pytest.fixture
def agent(consul: Consul, tmp_path: Path, time: SimClock) -> Callable[..., Agent]:
    return lambda **kinds: Agent(consul, tmp_path, time, **kinds)


def hand_out(consul: Consul, key: str = KEY, **fields: Any) -> None:
    task = Task(**{"kind": "make", "operation": "op", "epoch": 3} | fields)
    consul.kv.put(key, task.model_dump_json())


def test_a_task_is_done_with_arguments_and_payload(
    consul: Consul, agent: Callable[..., Agent]
) -> None:
    seen: list[tuple[object, object, TaskState]] = []

    def make(work: Work) -> dict[str, Any]:
        seen.append((work.args, work.payload, one.task().state))
        return {"made": 1}

    one = agent(make=make)
    consul.kv.put(PAYLOAD, b"files")
    hand_out(consul, args={"restart": ["nomad"]})
    one.step()
    one.step()
    assert seen == [({"restart": ["nomad"]}, b"files", TaskState.RUNNING)]
    task = one.task()
    assert (task.state, task.result, task.error) == (TaskState.DONE, {"made": 1}, "")
    assert one.executor.counts == {("make", "done"): 1}
    assert one.said[-1] == "make for op: done"


@pytest.mark.parametrize(
    ("failure", "error", "retry"),
    [
        (Temporary("disk busy", cure="Wait."), "disk busy Wait.", True),
        (Permanent("disk gone"), "disk gone", False),
        (ValueError("odd"), "bug in the task make: ValueError: odd", False),
    ],
)
def test_a_failure_is_told(
    consul: Consul, agent: Callable[..., Agent], failure: Exception, error: str, retry: bool
) -> None:
    def make(work: Work) -> dict[str, Any]:
        work.afterwards.append(lambda: one.ended.append("afterwards"))
        raise failure

    one = agent(make=make)
    hand_out(consul)
    one.step()
    task = one.task()
    assert (task.state, task.error, task.retry) == (TaskState.FAILED, error, retry)


def test_an_unknown_kind_asks_for_an_upgrade(consul: Consul, agent: Callable[..., Agent]) -> None:
    one = agent()
    hand_out(consul, kind="fly")
    one.step()
    assert one.task().error == "the agent of n1 knows no task 'fly': upgrade it"
    assert not one.task().retry


def test_a_task_that_was_cut_off_is_done_again_first(
    consul: Consul, agent: Callable[..., Agent]
) -> None:
    done: list[str] = []

    def make(work: Work) -> dict[str, Any]:
        done.append(work.args["name"])
        return {}

    hand_out(consul, f"{TASKS}n1/op.a", args={"name": "a"})
    hand_out(consul, f"{TASKS}n1/op.b", args={"name": "b"}, state=TaskState.RUNNING)
    hand_out(consul, f"{TASKS}n1/op.0", args={"name": "0"})
    hand_out(consul, f"{TASKS}n10/op.c", args={"name": "of another node"})
    consul.kv.put(f"{TASKS}n1/op.d", "no JSON")
    agent(make=make).step()
    assert done == ["b", "a", "0"]


def test_a_former_leader_is_refused_also_after_a_restart(
    consul: Consul, agent: Callable[..., Agent]
) -> None:
    hand_out(consul, f"{TASKS}n1/op.new", epoch=9)
    agent(make=lambda work: {}).step()
    hand_out(consul, epoch=8)
    one = agent(make=lambda work: {})
    one.step()
    task = one.task()
    assert (task.state, task.retry) == (TaskState.FAILED, True)
    assert "epoch 8" in task.error


def test_a_task_taken_back_meanwhile_has_no_consequences(
    consul: Consul, agent: Callable[..., Agent]
) -> None:
    def make(work: Work) -> dict[str, Any]:
        work.afterwards.append(lambda: one.ended.append("afterwards"))
        consul.kv.delete(KEY)
        return {}

    one = agent(make=make)
    hand_out(consul)
    one.step()
    assert one.ended == []
    assert consul.kv.get(KEY) is None


def test_the_end_comes_after_the_result(consul: Consul, agent: Callable[..., Agent]) -> None:
    def make(work: Work) -> dict[str, Any]:
        work.afterwards.append(lambda: work.end(one.task().state))
        return {}

    one = agent(make=make)
    hand_out(consul)
    one.step()
    assert one.ended == [TaskState.DONE]


def test_an_outcome_survives_an_outage_of_consul(
    consul: Consul, agent: Callable[..., Agent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one during which the answer to the write was lost."""
    failures = [Unreachable("down", sent=False), Unreachable("no answer", sent=True)]
    put = consul.kv.put

    def broken(key: str, value: bytes, *, cas: int) -> bool:
        if failures:
            failure = failures.pop(0)
            if failure.sent:
                put(key, value, cas=cas)
            raise failure
        return put(key, value, cas=cas)

    runs: list[int] = []

    def make(work: Work) -> dict[str, Any]:
        runs.append(1)
        work.afterwards.append(lambda: one.ended.append("afterwards"))
        monkeypatch.setattr(consul.kv, "put", broken)
        return {}

    one = agent(make=make)
    hand_out(consul)
    one.step()
    assert (one.task().state, runs, one.ended) == (TaskState.DONE, [1], ["afterwards"])


def test_a_stop_leaves_the_task_to_the_next_start(
    consul: Consul, agent: Callable[..., Agent]
) -> None:
    def make(work: Work) -> dict[str, Any]:
        raise Stopping

    one = agent(make=make)
    hand_out(consul)
    with pytest.raises(Stopping):
        one.step()
    assert one.task().state is TaskState.RUNNING
    agent(make=lambda work: {}).step()
    assert one.task().state is TaskState.DONE


def test_an_outcome_that_a_dead_process_sent_does_not_count_for_the_next(
    consul: Consul, agent: Callable[..., Agent]
) -> None:
    late: list[int] = []

    def die(work: Work) -> dict[str, Any]:
        entry = consul.kv.get(KEY)
        assert entry
        late.append(entry.modify_index)
        raise Stopping

    def again(work: Work) -> dict[str, Any]:
        assert not consul.kv.put(KEY, b"done, said the first one", cas=late[0])
        return {"by": "the second"}

    one = agent(make=die)
    hand_out(consul)
    with pytest.raises(Stopping):
        one.step()
    agent(make=again).step()
    assert one.task().result == {"by": "the second"}
