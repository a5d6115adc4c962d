"""Steps of `add-node` on doubles: what they ask of the host, and when no longer."""

from __future__ import annotations

from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from bob.clients import consul
from bob.clients.ssh import KeyRefused
from bob.errors import Temporary
from bob.ops.joining.enlist import Claim, Enlist, Look, peers_of
from bob.ops.joining.furnish import Configuration, Names, Programs
from bob.ops.joining.settle import Farewell, Member
from bob.ops.joining.site import FAREWELL, Site
from bob.ops.joining.wanted import Reach, Wanted, with_node
from bob.ops.record import Operation, StepRecord
from bob.ops.states import StepState
from bob.ops.step import Need
from bob.ops.view import ClusterView, NodeWish
from inventory import Cluster, NetworkName, Node


def make_cluster(nodes: int) -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}},
            "nodes": [
                {"name": f"n{i}", "addresses": {"mgmt": f"10.1.0.{i}"}} for i in range(1, nodes + 1)
            ],
        }
    )


NEW = Node.model_validate({"name": "n4", "addresses": {"mgmt": "10.1.0.4"}})


class Untouched(Site):
    """A host that nobody may reach."""

    def host(self, context: Any) -> Any:
        raise AssertionError("the host was reached")


def make_site(kind: type[Site] = Untouched) -> Site:
    reach = Reach(address="10.1.0.4", host_key="ssh-ed25519 AAAA")
    return kind(Wanted(node=NEW, ssh=reach, claim="c1 01ABC"))


def context(state: StepState, wish: str = "joining") -> Any:
    """A run that began when the key was being taken away, or before."""
    step = StepRecord(name=FAREWELL, title="", state=state)
    operation = Operation(id="1", kind="add-node", target="n4", scopes=("node/n4",), steps=(step,))
    records = SimpleNamespace(nodes=lambda: {"n4": NodeWish(zone="a", state=wish)})
    return SimpleNamespace(operation=operation, records=records)


@pytest.mark.parametrize("step", [Look, Enlist, Claim, Programs, Configuration, Names])
@pytest.mark.parametrize("state", [StepState.RUNNING, StepState.DONE])
def test_once_the_key_goes_the_host_is_not_needed(step: Any, state: StepState) -> None:
    assert step(make_site()).probe(context(state)).need is Need.DONE


@pytest.mark.parametrize("step", [Claim, Programs, Configuration])
def test_before_that_the_host_itself_is_asked(step: Any) -> None:
    with pytest.raises(AssertionError, match="the host was reached"):
        step(make_site()).probe(context(StepState.PENDING))


class Answering(Site):
    """A host whose answer is told beforehand."""

    answer: Exception | None = None

    def host(self, context: Any) -> Any:
        def run(script: str) -> None:
            if self.answer:
                raise self.answer

        return SimpleNamespace(run=run, close=lambda: None)


def farewell(answer: Exception | None) -> Any:
    site = make_site(Answering)
    assert isinstance(site, Answering)
    site.answer = answer
    return Farewell(site).probe(context(StepState.RUNNING))


def test_the_key_is_gone_when_the_host_refuses_it_and_not_before() -> None:
    assert farewell(KeyRefused("no")).need is Need.DONE
    assert farewell(None).need is Need.NEEDED
    with pytest.raises(Temporary):
        farewell(Temporary("not reachable"))


@pytest.mark.parametrize(("wish", "need"), [("joining", Need.NEEDED), ("member", Need.DONE)])
def test_a_node_counts_when_it_is_written_down_as_member(wish: str, need: Need) -> None:
    assert Member(make_site()).probe(context(StepState.DONE, wish)).need is need


def test_a_node_takes_the_place_of_its_former_self() -> None:
    three, four = make_cluster(3), make_cluster(4)
    assert with_node(three, four.node("n4")) == four
    moved = four.node("n2").model_copy(update={"zone": "cellar"})
    changed = with_node(four, moved)
    assert [node.name for node in changed.nodes] == ["n1", "n2", "n3", "n4"]
    assert changed.node("n2").zone == "cellar"


def test_a_new_node_has_to_reach_the_servers_that_live() -> None:
    wishes = {f"n{i}": NodeWish(role="server", zone="a") for i in (1, 2)}
    wishes["n3"] = NodeWish(role="client", zone="a")
    states = {
        "n1": consul.MemberStatus.ALIVE,
        "n2": consul.MemberStatus.FAILED,
        "n3": consul.MemberStatus.ALIVE,
    }
    members = {name: consul.Member(name, "", state, server=True) for name, state in states.items()}
    view = ClusterView(
        now=0.0, cluster=make_cluster(3), wishes=wishes, members={NetworkName.MGMT: members}
    )
    assert peers_of(view, NEW) == [("n1/mgmt", IPv4Address("10.1.0.1"))]
