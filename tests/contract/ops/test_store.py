"""What every store of operations does: on disk, in Consul, and the fakes of the simulations."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from memory_store import MemoryStore
from sim_clock import SimClock

from bob.clients.consul import Consul
from bob.errors import ScopeHeld
from bob.ops.consul_store import ConsulStore
from bob.ops.file_store import FileStore
from bob.ops.record import Operation, StepRecord, new_id
from bob.ops.states import State
from bob.ops.store import Conflict, Store

SCOPE = "control-plane"


@pytest.fixture(params=["file", "memory", "fake consul", "real consul"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    match request.param:
        case "file":
            return FileStore(tmp_path / "ops")
        case "memory":
            return MemoryStore()
        case "fake consul":
            return ConsulStore(FakeConsul(ConsulState(SimClock())))
    consul: Consul = request.getfixturevalue("brisk_consul")
    consul.kv.delete("bob/", recurse=True)
    return ConsulStore(consul)


def operation(scope: str = SCOPE) -> Operation:
    step = StepRecord(name="one", title="do one")
    return Operation(id=new_id(), kind="test", target="t", scopes=(scope,), steps=(step,))


def test_what_was_written_is_read(store: Store) -> None:
    made = operation()
    version = store.create(made)
    assert store.read(made.id) == (made, version)
    running = made.with_state(State.RUNNING)
    version = store.write(running, version)
    assert store.read(made.id) == (running, version)


def test_an_unknown_operation_is_a_key_error(store: Store) -> None:
    with pytest.raises(KeyError):
        store.read(new_id())


def test_a_scope_has_one_active_operation(store: Store) -> None:
    first = operation()
    store.create(first)
    with pytest.raises(ScopeHeld, match=first.id):
        store.create(operation())
    store.create(operation("node/n4"))
    assert store.active(SCOPE) == first.id


@pytest.mark.parametrize("end", [State.DONE, State.ABORTED])
def test_a_finished_operation_gives_up_its_scope(store: Store, end: State) -> None:
    made = operation()
    version = store.create(made)
    store.write(made.model_copy(update={"state": end}), version)
    assert store.active(SCOPE) is None
    store.create(operation())


def test_a_failed_operation_keeps_its_scope(store: Store) -> None:
    made = operation()
    version = store.create(made)
    store.write(made.model_copy(update={"state": State.FAILED}), version)
    assert store.active(SCOPE) == made.id


def test_a_write_over_a_newer_version_is_refused(store: Store) -> None:
    made = operation()
    version = store.create(made)
    store.write(made.with_state(State.RUNNING), version)
    with pytest.raises(Conflict):
        store.write(made.with_state(State.ABORTING), version)
    assert store.read(made.id)[0].state is State.RUNNING


def test_operations_are_listed_oldest_first(store: Store) -> None:
    made = [operation(f"node/n{number}") for number in range(5)]
    for each in reversed(made):
        store.create(each)
    assert [each.id for each in store.list()] == sorted(each.id for each in made)
