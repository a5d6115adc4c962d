"""Operations in Consul: the guard of the leader, the history, and answers that were lost."""

from __future__ import annotations

import pytest
from fake_consul import FakeConsul, Fault
from fake_consul_state import ConsulState
from session_memory import SessionInMemory
from sim_clock import SimClock

from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.election import Elector
from bob.errors import LockLost, ScopeHeld
from bob.ops.consul_store import PATIENCE_SECONDS, ConsulStore
from bob.ops.record import Operation, new_id
from bob.ops.states import State
from bob.ops.store import Conflict
from bob.waiting import Clock


def operation(scope: str = "node/n4", state: State = State.PENDING) -> Operation:
    return Operation(id=new_id(), kind="test", target="n4", scopes=(scope,), state=state)


def finished(made: Operation) -> Operation:
    return made.model_copy(update={"state": State.DONE})


@pytest.fixture
def time() -> SimClock:
    return SimClock()


@pytest.fixture
def fake(time: SimClock) -> FakeConsul:
    return FakeConsul(ConsulState(time))


@pytest.fixture(params=["fake", "real"])
def consul(request: pytest.FixtureRequest) -> Consul:
    if request.param == "fake":
        made: Consul = request.getfixturevalue("fake")
        return made
    real: Consul = request.getfixturevalue("brisk_consul")
    real.kv.delete("bob/", recurse=True)
    return real


def clock_of(time: SimClock) -> Clock:
    return Clock(now=time.now, sleep=time.advance)


def lead(consul: Consul) -> Elector:
    elector = Elector(consul, "n1", SessionInMemory())
    for _ in range(10):
        elector.step()
        try:
            elector.leadership()
        except LockLost:
            continue
        return elector
    raise AssertionError("nobody leads after 10 steps")


def test_records_are_where_people_look_for_them(consul: Consul) -> None:
    store = ConsulStore(consul)
    made = operation("service/web/front")
    version = store.create(made)
    assert consul.kv.keys("bob/") == ("bob/active/service/web/front", f"bob/ops/{made.id}")
    assert store.unfinished() == store.list() == [made]
    end = finished(made)
    version = store.write(end, version)
    assert consul.kv.keys("bob/") == (f"bob/history/{made.id}",)
    assert store.read(made.id) == (end, version)
    assert store.list() == [end]
    assert store.unfinished() == []
    with pytest.raises(Conflict):
        store.write(made, version)


def test_only_the_newest_are_kept(consul: Consul) -> None:
    store = ConsulStore(consul, kept=3)
    made = [operation() for _ in range(5)]
    for each in made:
        store.write(finished(each), store.create(each))
    assert store.trim() == 2
    assert store.trim() == 0
    newest = sorted(each.id for each in made)[-3:]
    assert [each.id for each in store.list()] == newest


def test_the_end_frees_no_scope_of_another(consul: Consul) -> None:
    """A scope that was given away by hand stays with its new owner."""
    store = ConsulStore(consul)
    made = operation()
    version = store.create(made)
    consul.kv.put("bob/active/node/n4", "another")
    store.write(finished(made), version)
    assert store.active("node/n4") == "another"


@pytest.mark.parametrize("name", ["node n4", "node/", "/node", "a//b", "Zürich", ""])
def test_a_scope_has_to_be_a_key(consul: Consul, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a key"):
        ConsulStore(consul).create(operation(name))


def test_the_leader_writes_its_epoch(consul: Consul) -> None:
    elector = lead(consul)
    epoch = elector.leadership().epoch
    store = ConsulStore(consul, elector)
    made = operation()
    version = store.create(made)
    assert store.read(made.id)[0].epoch == epoch
    store.write(finished(made), version)
    assert store.read(made.id)[0].epoch == epoch
    elector.resign()


def test_a_leader_that_was_replaced_changes_nothing(consul: Consul) -> None:
    old = lead(consul)
    epoch = old.leadership().epoch
    store = ConsulStore(consul, old)
    made = operation()
    version = store.create(made)
    before = consul.kv.list("bob/ops/") + consul.kv.list("bob/active/")
    consul.kv.release("bob/leader", "", old.leadership().session)  # it does not know yet
    new = lead(consul)
    assert new.leadership().epoch == epoch + 1
    for changed in (finished(made), made.with_state(State.RUNNING)):
        with pytest.raises(LockLost):
            store.write(changed, version)
    with pytest.raises(LockLost):
        store.create(operation("node/n5"))
    assert consul.kv.list("bob/ops/") + consul.kv.list("bob/active/") == before
    assert ConsulStore(consul, new).write(finished(made), version) > version
    new.resign()


@pytest.mark.parametrize("fault", list(Fault))
def test_every_change_happens_once_whatever_one_fault_does(
    fake: FakeConsul, time: SimClock, fault: Fault
) -> None:
    store = ConsulStore(fake, clock=clock_of(time))
    made = operation()
    fake.line.faults = [fault]
    version = store.create(made)
    assert store.read(made.id) == (made, version)
    running = made.with_state(State.RUNNING)
    fake.line.faults = [fault]
    version = store.write(running, version)
    time.advance(fake.line.late * 2)
    assert store.read(made.id) == (running, version)
    assert store.active(made.scopes[0]) == made.id


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("calls_before", range(2))  # the holder, the transaction
def test_an_end_survives_a_fault_at_each_of_its_calls(
    fake: FakeConsul, time: SimClock, fault: Fault, calls_before: int
) -> None:
    store = ConsulStore(fake, clock=clock_of(time))
    made = operation()
    version = store.create(made)
    passed = [0]

    def fault_at() -> Fault | None:
        passed[0] += 1
        return fault if passed[0] == calls_before + 1 else None

    fake.line.fault = fault_at  # type: ignore[method-assign]
    store.write(finished(made), version)
    time.advance(fake.line.late * 2)
    assert store.list() == [finished(made)]
    assert store.active(made.scopes[0]) is None


def test_a_creation_that_arrives_after_the_end_does_not_come_back(
    fake: FakeConsul, time: SimClock
) -> None:
    store = ConsulStore(fake, clock=clock_of(time))
    made = operation()
    fake.line.faults = [Fault.LATE]
    store.write(finished(made), store.create(made))
    time.advance(fake.line.late * 2)
    assert store.unfinished() == []
    assert store.active(made.scopes[0]) is None


def test_a_lost_answer_does_not_hide_that_the_scope_is_held(
    fake: FakeConsul, time: SimClock
) -> None:
    store = ConsulStore(fake, clock=clock_of(time))
    first = operation()
    store.create(first)
    fake.line.faults = [Fault.ANSWER_LOST]
    with pytest.raises(ScopeHeld, match=first.id):
        store.create(operation())


def test_patience_ends(fake: FakeConsul, time: SimClock) -> None:
    store = ConsulStore(fake, clock=clock_of(time))
    fake.line.faults = [Fault.UNREACHABLE] * 1000
    with pytest.raises(Unreachable):
        store.create(operation())
    assert PATIENCE_SECONDS <= time.now() <= PATIENCE_SECONDS + 1
