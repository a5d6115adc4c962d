"""Which nodes become servers: a table, and properties over all kinds of clusters."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import Cluster, choose_servers
from inventory.placement import deal, majority_zone, server_count


def cluster_of(zones: str, **wishes: object) -> Cluster:
    """Nodes n0, n1, ... in the zones that the letters name."""
    nodes = [
        {"name": f"n{i}", "zone": zone, "addresses": {"mgmt": f"10.1.{i // 200}.{i % 200 + 1}"}}
        for i, zone in enumerate(zones)
    ]
    networks = {"mgmt": {"cidr": "10.1.0.0/16"}}
    return Cluster.model_validate({"cluster": "c", "networks": networks, "nodes": nodes, **wishes})


TABLE = [
    # zones of the nodes, wishes, servers
    ("aaa", {}, "n0 n1 n2"),
    ("abc", {}, "n0 n1 n2"),
    ("aaabbbccc", {}, "n0 n3 n6"),
    ("aaab", {}, "n0 n3 n1"),
    ("caab", {}, "n0 n1 n3"),  # zones in the order in which they are first named
    ("aabb", {"servers": 3}, "n0 n2 n1"),
    ("a", {"servers": 1, "single_server": "accept-no-redundancy"}, "n0"),
    ("aaabbc", {"servers": 5}, "n0 n3 n5 n1 n4"),
    ("a" * 29, {}, "n0 n1 n2"),
    ("a" * 30, {}, "n0 n1 n2 n3 n4"),
    ("a" * 30, {"servers": 3}, "n0 n1 n2"),
    ("abcde", {"five_servers_from": 5}, "n0 n1 n2 n3 n4"),
    ("ab" + "c" * 28, {}, "n0 n1 n2"),  # five would put three in c
    ("ab" * 15, {}, "n0 n1 n2 n3 n4"),  # two zones: a majority in one cannot be avoided
]


@pytest.mark.parametrize(("zones", "wishes", "servers"), TABLE)
def test_table(zones, wishes, servers):
    assert " ".join(choose_servers(cluster_of(zones, **wishes))) == servers


zone_lists = st.lists(st.sampled_from("abcde"), min_size=5, max_size=60)


@given(zone_lists, st.sampled_from([1, 3, 5]))
def test_right_number_of_different_nodes(zones, count):
    dealt = deal(zones, count)
    assert len(dealt) == len(set(dealt)) == count
    assert all(0 <= position < len(zones) for position in dealt)


@given(zone_lists, st.sampled_from([3, 5]))
def test_no_zone_gets_two_more_than_one_that_has_nodes_left(zones, count):
    servers = Counter(zones[position] for position in deal(zones, count))
    for zone, nodes in Counter(zones).items():
        if servers[zone] < nodes:
            assert max(servers.values()) <= servers[zone] + 1


@given(zone_lists, st.sampled_from([3, 5]))
def test_majority_in_one_zone_only_if_no_choice_avoids_it(zones, count):
    most = count // 2  # a zone that holds more than this holds a majority
    avoidable = sum(min(nodes, most) for nodes in Counter(zones).values()) >= count
    assert (majority_zone(zones, count) is None) == avoidable


@given(zone_lists, st.integers(min_value=5, max_value=60))
def test_default_number_never_breaks_the_spread_of_three_zones(zones, border):
    count = server_count(zones, None, border)
    assert count == 3 or (count == 5 and len(zones) >= border)
    if len(set(zones)) > 2:
        assert majority_zone(zones, count) is None


@given(zone_lists)
def test_more_nodes_at_the_end_never_move_the_first_server_of_a_zone(zones):
    first = {zones.index(zone) for zone in dict.fromkeys(zones[:5])}
    before = deal(zones[:5], len(first))
    assert set(before) == first
    assert set(deal(zones, len(set(zones)))) >= first
