from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from bob.errors import UsageError
from bob.sandbox.layout import MAX_NODES, NETWORKS, SLOTS, Layout


def layout(name: str = "demo", slot: int = 0, nodes: int = 3) -> Layout:
    return Layout(name, slot, nodes, Path("/base"))


def test_the_second_host_of_the_first_slot() -> None:
    node = layout().node("n2")
    assert node.addresses == {
        "mgmt": "10.101.0.12",
        "storage": "10.102.0.12",
        "tenant": "10.103.0.12",
    }
    assert node.bmc_address == "10.101.0.112"
    assert node.zone == "b"
    assert node.netns == "bob-demo-n2"
    assert node.port("tenant") == "n2-tenant"
    assert node.interface("tenant") == "eth2"
    assert node.upper == Path("/base/demo/nodes/n2/upper")


def test_zones_go_round() -> None:
    assert [node.zone for node in layout(nodes=4)] == ["a", "b", "c", "a"]


def test_no_two_things_of_all_full_sandboxes_share_an_address_a_mac_or_a_namespace() -> None:
    everything = [layout(f"s{slot}", slot, MAX_NODES) for slot in SLOTS]
    nodes = [node for one in everything for node in one]
    addresses = [
        address for node in nodes for address in (*node.addresses.values(), node.bmc_address)
    ]
    addresses += [each for one in everything for each in (one.machine_address, one.shared_address)]
    addresses += [one.bridge_address(network) for one in everything for network in NETWORKS]
    macs = [node.mac(network) for node in nodes for network in NETWORKS]
    spaces = [node.netns for node in nodes] + [one.netns for one in everything]
    for values in (addresses, macs, spaces, [n.machine_id for n in nodes], [n.guid for n in nodes]):
        assert len(set(values)) == len(values)


def test_addresses_lie_in_their_networks() -> None:
    one = layout(slot=9, nodes=MAX_NODES)
    for node in one:
        for network, address in node.addresses.items():
            assert ip_address(address) in ip_network(one.cidr(network))


def test_identifiers_have_the_lengths_their_formats_demand() -> None:
    node = layout("a" * 24, 9, MAX_NODES).node(f"n{MAX_NODES}")
    assert all(len(node.port(network)) <= 15 for network in NETWORKS)  # IFNAMSIZ - 1
    assert len(node.machine_id) == len(node.guid) == 32
    assert len(node.bmc_address) <= 15


@pytest.mark.parametrize(
    "name", ["", "Demo", "1a", "a_b", "-a", "a-", "a" * 25, "demo-n1", "a/b", "..", "a b"]
)
def test_names_that_would_not_be_safe_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        layout(name)


@pytest.mark.parametrize(("slot", "nodes"), [(-1, 3), (10, 3), (0, 0), (0, MAX_NODES + 1)])
def test_sizes_out_of_range_are_refused(slot: int, nodes: int) -> None:
    with pytest.raises(UsageError):
        layout(slot=slot, nodes=nodes)


def test_an_unknown_host_is_refused_by_naming_those_that_exist() -> None:
    with pytest.raises(UsageError) as refused:
        layout().node("n4")
    assert "n1, n2, n3" in refused.value.cure
