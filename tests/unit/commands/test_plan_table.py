"""From an inventory file and a cluster to operations, as a table."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from operator_world import cluster, view

from bob.catalogue import Catalogue
from bob.errors import UsageError
from bob.ops.kind import Request
from bob.ops.kinds.settings import KIND, with_settings
from bob.ops.plan import by_hand, differences, following, sentence
from bob.ops.view import ClusterView, NodeWish
from inventory import Cluster, NetworkName, Node, Versions


def node(number: int, **changes: Any) -> Node:
    made = Node(name=f"n{number}", addresses={NetworkName.MGMT: IPv4Address(f"10.77.0.{number}")})
    return made.model_copy(update=changes)


def wanted(*numbers: int, **changes: Any) -> Cluster:
    update = {"nodes": tuple(node(n) for n in numbers), **changes}
    return cluster().model_copy(update=update)


def seen(**wishes: NodeWish) -> ClusterView:
    return replace(view(), wishes={**view().wishes, **wishes})


def test_a_cluster_as_wanted_needs_nothing() -> None:
    assert differences(cluster(), view()) == ()
    assert by_hand(cluster(), view()) == ()


@pytest.mark.parametrize(
    ("file", "now", "expected"),
    [
        (wanted(1, 2, 3, 4), view(), ["add n4 (10.77.0.4, zone default)"]),
        (wanted(1, 2), view(), ["remove n3"]),
        (
            wanted(1, 2, 4, 5),
            view(),
            [
                "add n4 (10.77.0.4, zone default)",
                "add n5 (10.77.0.5, zone default)",
                "remove n3",
            ],
        ),
        (wanted(1, 2, 3, servers=3, server_grace=60), view(), ["set servers 3, server_grace 60"]),
        (
            wanted(1, 2, 3, versions=Versions(nomad="1.12.0")),
            view(),
            ["upgrade nomad to 1.12.0"],
        ),
        (
            wanted(1, 2, 3, 4),
            seen(n4=NodeWish(zone="default", state="joining")),
            ["add n4 (10.77.0.4, zone default)"],
        ),
        (wanted(1, 2, 3, 4), seen(n4=NodeWish(zone="default", state="maintenance")), []),
        (
            wanted(2, 5, servers=1, single_server="accept-no-redundancy"),
            replace(
                view(),
                cluster=wanted(1, 2, 3, 4),
                wishes={**view().wishes, "n4": NodeWish(zone="default")},
            ),
            [
                "add n5 (10.77.0.5, zone default)",
                "set servers 1, single_server accept-no-redundancy",
                "remove n4",  # a client: it moves no vote
                "remove n1",
                "remove n3",
            ],
        ),
    ],
)
def test_what_differs_becomes_operations(
    file: Cluster, now: ClusterView, expected: list[str]
) -> None:
    assert [sentence(request) for request in differences(file, now)] == expected


def test_the_way_to_hosts_and_programs_is_no_difference() -> None:
    file = cluster().model_copy(update={"ssh": cluster().ssh.model_copy(update={"user": "ann"})})
    assert differences(file, view()) == ()


def test_no_password_goes_into_a_plan() -> None:
    from inventory import Bmc

    bmc = Bmc.model_validate({"address": "10.9.0.4", "user": "root", "password": "s3cret"})
    file = wanted(1, 2, 3)
    file = file.model_copy(update={"nodes": (*file.nodes, node(4, bmc=bmc))})
    (request,) = differences(file, view())
    assert "s3cret" not in str(request)
    assert "password" not in request.params["node"]["bmc"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"zone": "r2"}, "n3: zone changed"),
        ({"addresses": {NetworkName.MGMT: IPv4Address("10.77.0.9")}}, "n3: addresses changed"),
        ({"zone": "r2", "roles": ("compute",)}, "n3: zone, roles changed"),
    ],
)
def test_a_changed_node_is_told(changes: dict[str, Any], said: str) -> None:
    file = wanted(1, 2, 3).model_copy(update={"nodes": (node(1), node(2), node(3, **changes))})
    assert differences(file, view()) == ()
    assert [line.startswith(said) for line in by_hand(file, view())] == [True]


def test_settings_are_taken_over_alone() -> None:
    changed = with_settings(cluster(), {"server_grace": 60})
    assert changed.server_grace == 60
    assert changed.nodes == cluster().nodes
    done = KIND.done(Request("settings", "c1", {"server_grace": 120}), view())
    assert done == "c1 has these settings already"
    assert not KIND.done(Request("settings", "c1", {"server_grace": 60}), view())


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"servers": 5}, "5 servers need as many nodes, there are 3"),
        ({"servers": 2}, "servers: Input should be 1, 3 or 5"),
        ({"servers": 1}, "one server is no redundancy"),
        ({"nodes": []}, "no settings: nodes"),
        ({"server_grace": 1}, "server_grace"),
    ],
)
def test_settings_that_cannot_be_used(params: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        KIND.check(Request("settings", "c1", params), view())


def test_settings_of_another_cluster_are_refused() -> None:
    with pytest.raises(UsageError, match="this cluster is c1, not c2"):
        KIND.check(Request("settings", "c2", {}), view())


SERVICES = {
    "memcached": {"count": 1},
    "redis": {"count": 1, "scaled": True},
    "haproxy": {"count": 2},
    "gone": {"count": 1},
}


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((1, 2, 3), ["memcached: 1 -> 3 instances"]),
        ((1, 2), ["memcached: 1 -> 2 instances"]),
        ((1,), []),
    ],
)
def test_services_that_follow_the_size_of_the_cluster_are_told(
    numbers: tuple[int, ...], expected: list[str]
) -> None:
    found = following(wanted(*numbers), replace(view(), services=SERVICES), Catalogue())
    assert [line.partition(" (")[0] for line in found] == expected
