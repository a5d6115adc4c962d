"""Which node may join, as a table of refusals."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bob.clients.consul import Member, MemberStatus
from bob.clients.nomad import Node as NomadNode
from bob.errors import BobError, PreflightRefused, UsageError
from bob.ops.joining.wanted import Reach, Wanted
from bob.ops.kind import Request
from bob.ops.kinds.add_node import KIND
from bob.ops.view import ClusterView, NodeWish
from inventory import Cluster, NetworkName, Node


def node(name: str, last: int, **changed: Any) -> Node:
    content = {
        "name": name,
        "zone": "a",
        "addresses": {"mgmt": f"10.1.0.{last}", "storage": f"10.2.0.{last}"},
        "bmc": {"address": f"10.1.0.{100 + last}", "user": "admin", "password": "hunter2"},
    }
    return Node.model_validate(content | changed)


def request(wanted: Node, *, again: bool = False, target: str = "") -> Request:
    reach = Reach(address=str(wanted.addresses[NetworkName.MGMT]), host_key="ssh-ed25519 AAAA")
    params = Wanted(node=wanted, ssh=reach, claim="c1 01ABC", again=again).params()
    return Request("add-node", target or wanted.name, params)


@pytest.fixture
def view() -> ClusterView:
    """Three servers and a client, all well."""
    nodes = tuple(node(f"n{i}", i) for i in (1, 2, 3, 4))
    cluster = Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}, "storage": {"cidr": "10.2.0.0/24"}},
            "nodes": [known.model_dump() for known in nodes],
        }
    )
    alive = {
        known.name: Member(known.name, "", MemberStatus.ALIVE, known.name != "n4")
        for known in nodes
    }
    return ClusterView(
        now=0.0,
        cluster=cluster,
        wishes={
            known.name: NodeWish(role="client" if known.name == "n4" else "server", zone="a")
            for known in nodes
        },
        members=dict.fromkeys(cluster.network_names(), alive),
        nodes={known.name: nomad_node(known.name) for known in nodes},
    )


def nomad_node(name: str, status: str = "ready") -> NomadNode:
    return NomadNode(id=name, name=name, address="", status=status, eligible=True, draining=False)


def without(view: ClusterView, name: str) -> ClusterView:
    """The node has failed: in gossip everywhere, and for Nomad."""
    members = {
        network: {
            **known, name: dataclasses.replace(known[name], status=MemberStatus.FAILED)
        }
        for network, known in view.members.items()
    }  # fmt: skip
    nodes = {**view.nodes, name: nomad_node(name, "down")}
    return dataclasses.replace(view, members=members, nodes=nodes)


def wishing(view: ClusterView, name: str, **changed: str) -> ClusterView:
    known = view.wishes.get(name, NodeWish(zone="a"))
    wishes = {**view.wishes, name: known.model_copy(update=changed)}
    return dataclasses.replace(view, wishes=wishes)


def refusal(view: ClusterView, wished: Request) -> BobError:
    assert KIND.done(wished, view) == ""
    with pytest.raises(BobError) as refused:
        KIND.check(wished, view)
    assert refused.value.cure
    return refused.value


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"addresses": {"mgmt": "10.1.0.9"}}, "no address on the network storage"),
        (
            {"addresses": {"mgmt": "10.1.0.2", "storage": "10.2.0.9"}},
            "the address 10.1.0.2 is used twice: by n2",
        ),
        (
            {"addresses": {"mgmt": "10.1.0.102", "storage": "10.2.0.9"}},
            "the address 10.1.0.102 is used twice: by the BMC of n2",
        ),
        (
            {"bmc": {"address": "10.2.0.3", "user": "a", "password_env": "X"}},
            "the address 10.2.0.3 is used twice: by n3",
        ),
        (
            {"addresses": {"mgmt": "10.9.0.9", "storage": "10.2.0.9"}},
            "10.9.0.9 is not in 10.1.0.0/24 of the network mgmt",
        ),
        (
            {"addresses": {"mgmt": "10.1.0.255", "storage": "10.2.0.9"}},
            "10.1.0.255 is the broadcast address of 10.1.0.0/24",
        ),
        (
            {"addresses": {"mgmt": "10.1.0.9", "storage": "10.2.0.9", "tenant": "10.3.0.9"}},
            "the network tenant is not declared",
        ),
    ],
)
def test_a_node_that_breaks_a_law_is_refused(
    view: ClusterView, changed: dict[str, Any], message: str
) -> None:
    refused = refusal(view, request(node("n9", 9, **changed)))
    assert isinstance(refused, UsageError)
    assert message in str(refused)


def test_everything_that_is_wrong_is_said_at_once(view: ClusterView) -> None:
    refused = refusal(view, request(node("n9", 9, addresses={"mgmt": "10.1.0.2"})))
    assert "used twice" in str(refused)
    assert "storage" in str(refused)


def test_a_sound_new_node_may_join_any_zone(view: ClusterView) -> None:
    wished = request(node("n9", 9, zone="somewhere-new"))
    assert KIND.done(wished, view) == ""
    KIND.check(wished, view)
    assert KIND.scopes(wished, view) == ("node/n9",)


def test_a_sound_member_needs_nothing(view: ClusterView) -> None:
    assert KIND.done(request(node("n4", 4)), view) == "n4 is a member already"
    assert KIND.done(request(node("n1", 1)), view) == "n1 is a member already"


@pytest.mark.parametrize(
    ("name", "again", "error", "message"),
    [
        ("n4", False, PreflightRefused, "n4 is a member that is down"),
        ("n1", True, PreflightRefused, "n1 is still meant to be a server"),
    ],
)
def test_a_member_that_is_down_is_not_touched(
    view: ClusterView, name: str, again: bool, error: type[BobError], message: str
) -> None:
    refused = refusal(without(view, name), request(node(name, int(name[1:])), again=again))
    assert isinstance(refused, error)
    assert message in str(refused)


def test_a_member_whose_host_was_installed_anew_may_come_back(view: ClusterView) -> None:
    KIND.check(request(node("n4", 4), again=True), without(view, "n4"))


def test_a_member_that_is_not_well_is_no_new_node(view: ClusterView) -> None:
    sick = dataclasses.replace(view, nodes={**view.nodes, "n4": nomad_node("n4", "down")})
    refused = refusal(sick, request(node("n4", 4), again=True))
    assert "alive, but not healthy" in str(refused)


def test_a_members_name_with_other_addresses_is_taken(view: ClusterView) -> None:
    refused = refusal(view, request(node("n4", 9)))
    assert isinstance(refused, UsageError)
    assert "n4 is a member with other addresses" in str(refused)


def test_a_node_that_is_leaving_has_to_be_gone_first(view: ClusterView) -> None:
    leaving = wishing(without(view, "n4"), "n4", state="leaving")
    assert "n4 is being removed" in str(refusal(leaving, request(node("n4", 4), again=True)))


def test_a_node_that_was_joining_goes_on(view: ClusterView) -> None:
    KIND.check(request(node("n4", 4)), wishing(without(view, "n4"), "n4", state="joining"))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "node: Field required"),
        ({"ssh": {"address": "10.1.0.9"}}, "ssh.host_key: Field required"),
        ({"node": {"name": "N 9", "addresses": {}}}, "node.name: 'N 9' is not a DNS label"),
    ],
)
def test_parameters_that_make_no_sense_are_named(params: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        KIND.steps(Request("add-node", "n9", params))


def test_the_node_is_the_target() -> None:
    with pytest.raises(UsageError, match="the node is called n9, not n8"):
        KIND.steps(request(node("n9", 9), target="n8"))


def test_a_wish_holds_no_password() -> None:
    assert "hunter2" not in str(request(node("n9", 9)).params)


def test_one_step_is_the_point_of_no_return_and_the_host_cannot_fail_it() -> None:
    steps = KIND.steps(request(node("n9", 9)))
    assert [step.name for step in steps if step.final] == ["member"]
    assert steps[-1].name == "member"
