"""Which operation a run of `bob init` takes up, and when a changed inventory is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bob.errors import GuardRefused, ScopeHeld
from bob.ops.file_store import FileStore
from bob.ops.init import run
from bob.ops.init.run import INVENTORY_CHANGE, take_up
from bob.ops.init.steps import STEPS
from bob.ops.record import Operation
from bob.ops.states import State, StepState
from inventory import Cluster


def make_cluster(zone: str = "a") -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}},
            "nodes": [
                {"name": f"n{i}", "zone": zone, "addresses": {"mgmt": f"10.1.0.{i}"}}
                for i in (1, 2, 3)
            ],
        }
    )


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def came_to(store: FileStore, operation: Operation, step: str, *, done: bool = False) -> None:
    """The run before got as far as applying this step, or did everything."""
    _, version = store.read(operation.id)
    running = operation.with_state(State.RUNNING)
    changed = running.step(step).model_copy(update={"state": StepState.RUNNING})
    version = store.write(running.with_step(changed), version)
    if done:
        store.write(running.with_state(State.DONE), version)


def test_the_first_run_records_every_step(store: FileStore) -> None:
    operation = take_up(store, make_cluster(), ())
    assert [step.name for step in operation.steps] == [step.name for step in STEPS]
    assert operation.state is State.PENDING
    assert store.active(run.SCOPE) == operation.id
    assert operation.inventory == make_cluster().digest()


def test_the_next_run_goes_on_with_it(store: FileStore) -> None:
    first = take_up(store, make_cluster(), ())
    came_to(store, first, "binaries")
    second = take_up(store, make_cluster(), ())
    assert second.id == first.id
    assert second.step("binaries").state is StepState.RUNNING


class Crash(BaseException):
    """The process dies."""


def test_a_run_that_died_as_it_ended_does_not_stop_the_next_one(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise Crash

    first = take_up(store, make_cluster(), ())
    with monkeypatch.context() as patch:
        patch.setattr(store, "_put_active", dies)
        with pytest.raises(Crash):
            came_to(store, first, "record", done=True)
    assert store.read(first.id)[0].state is State.DONE
    assert take_up(store, make_cluster(), ()).id != first.id


def test_until_a_host_is_changed_the_inventory_may_change(store: FileStore) -> None:
    first = take_up(store, make_cluster(), ())
    came_to(store, first, "preflight")
    second = take_up(store, make_cluster("b"), ())
    assert second.id == first.id
    assert second.inventory == make_cluster("b").digest()


@pytest.mark.parametrize("done", [False, True], ids=["unfinished", "finished"])
def test_after_that_the_change_has_to_be_accepted_and_is_recorded(
    store: FileStore, done: bool
) -> None:
    first = take_up(store, make_cluster(), ())
    came_to(store, first, "claim", done=done)
    with pytest.raises(GuardRefused, match=f"c1 changed since operation {first.id}") as refusal:
        take_up(store, make_cluster("b"), ("something-else",))
    assert f"--accept {INVENTORY_CHANGE}" in refusal.value.cure
    accepted = take_up(store, make_cluster("b"), (INVENTORY_CHANGE,))
    assert (accepted.id == first.id) is not done
    assert store.read(accepted.id)[0].accepted == (INVENTORY_CHANGE,)
    again = take_up(store, make_cluster("b"), ())
    assert again.id == accepted.id
    assert again.accepted == (INVENTORY_CHANGE,)


def test_one_init_of_a_cluster_at_a_time(tmp_path: Path) -> None:
    with (
        run.alone(tmp_path, "c1"),
        pytest.raises(ScopeHeld, match="another bob init or bob reset of c1") as held,
        run.alone(tmp_path, "c1"),
    ):
        pass
    assert held.value.exit_code == 5
    with run.alone(tmp_path, "c1"):
        pass
