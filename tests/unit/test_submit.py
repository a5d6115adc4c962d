"""A wish is recorded once, refused before anything is written, and found again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.errors import GuardRefused, ScopeHeld, UsageError
from bob.ops import submit as submitting
from bob.ops.consul_store import ConsulStore
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request, refuse_guarded
from bob.ops.states import State
from bob.ops.step import DONE, Probe, Step
from bob.ops.submit import submit
from bob.ops.view import ClusterView
from bob.waiting import Deadline
from inventory import Cluster


class Wait(Step[OperationContext]):
    name = "wait"
    title = "Wait for it"
    final = True

    def probe(self, context: OperationContext) -> Probe:
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        raise AssertionError("nothing is applied here")


class Move(Kind):
    name = "move"

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        return (f"node/{request.target}", "servers")

    def check(self, request: Request, view: ClusterView) -> None:
        if request.target == "nobody":
            raise UsageError("nobody is no node")

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        if request.params.get("risky"):
            yield Guard("quorum-loss", "two servers are left", "Bring n2 back first.")

    def warnings(self, request: Request, view: ClusterView) -> Iterable[str]:
        yield "it takes a while"

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        return (Wait(),)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> ConsulStore:
    monkeypatch.setattr(submitting, "kind_of", lambda name: Move())
    return ConsulStore(FakeConsul(ConsulState(SimClock())))


@pytest.fixture
def view() -> ClusterView:
    addresses = {"mgmt": "10.0.0.1"}
    cluster = Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.0.0.0/24"}},
            "nodes": [{"name": "n1", "addresses": addresses}],
        }
    )
    return ClusterView(now=0.0, cluster=cluster, wishes={})


def move(
    target: str = "n1", params: Mapping[str, object] | None = None, accepted: tuple[str, ...] = ()
) -> Request:
    return Request("move", target, params or {}, accepted)


def test_a_wish_becomes_a_pending_operation(store: ConsulStore, view: ClusterView) -> None:
    made = submit(store, move(params={"to": "r2"}), view, "ann@desk")
    stored, _ = store.read(made.operation.id)
    assert stored == made.operation
    assert (stored.state, stored.scopes) == (State.PENDING, ("node/n1", "servers"))
    assert (stored.params, stored.requested_by) == ({"to": "r2"}, "ann@desk")
    assert [(s.name, s.final) for s in stored.steps] == [("wait", True)]
    assert stored.inventory == view.cluster.digest()
    assert made.warnings == ("it takes a while",)
    assert not made.attached


def test_the_same_wish_is_found_again(store: ConsulStore, view: ClusterView) -> None:
    first = submit(store, move(), view)
    again = submit(store, move(), view)
    assert again.attached
    assert again.operation.id == first.operation.id
    assert len(store.list()) == 1


@pytest.mark.parametrize("other", [move("n2"), move(params={"to": "r2"})])
def test_another_wish_for_the_same_is_refused(
    store: ConsulStore, view: ClusterView, other: Request
) -> None:
    first = submit(store, move(), view)
    with pytest.raises(ScopeHeld, match=first.operation.id):
        submit(store, other, view)
    assert len(store.list()) == 1


def test_what_makes_no_sense_is_not_recorded(store: ConsulStore, view: ClusterView) -> None:
    with pytest.raises(UsageError):
        submit(store, move("nobody"), view)
    assert store.list() == []


def test_a_guard_is_passed_by_its_name_and_recorded(store: ConsulStore, view: ClusterView) -> None:
    risky = {"risky": True}
    with pytest.raises(GuardRefused, match="two servers are left") as refused:
        submit(store, move(params=risky, accepted=("zone-spread",)), view)
    assert refused.value.cure.endswith("--accept quorum-loss")
    assert store.list() == []
    made = submit(store, move(params=risky, accepted=("quorum-loss", "zone-spread")), view)
    assert made.operation.accepted == ("quorum-loss",)  # nothing else was at risk


def test_every_standing_guard_is_named_at_once() -> None:
    guards = [Guard("a", "one"), Guard("b", "two"), Guard("c", "three")]
    with pytest.raises(GuardRefused, match="one; three") as refused:
        refuse_guarded(guards, ["b"])
    assert "--accept a --accept c" in refused.value.cure
