from __future__ import annotations

from pathlib import Path

from bob.sandbox import network
from bob.sandbox.layout import Layout

DEMO = Layout("demo", 2, 1, Path("/base"))


def test_a_new_switch_has_three_bridges_and_the_address_of_each_bmc() -> None:
    commands = network.bridge_commands(DEMO, {"lo": []})
    assert [c.split()[2] for c in commands if c.startswith("link add")] == [
        "mgmt",
        "storage",
        "tenant",
    ]
    assert "addr add 10.121.0.254/24 dev mgmt" in commands
    assert "addr add 10.121.0.111/24 dev mgmt" in commands
    assert "addr add 10.122.0.111/24 dev storage" not in commands


def test_an_existing_switch_gets_only_what_is_missing() -> None:
    have = {
        "mgmt": ["10.121.0.254"],
        "storage": ["10.122.0.254"],
        "tenant": ["10.123.0.254"],
    }
    assert network.bridge_commands(DEMO, have) == [
        "link set lo up",
        "addr add 10.121.0.111/24 dev mgmt",
    ]


def test_the_machine_is_linked_to_mgmt_once() -> None:
    commands = network.machine_commands(DEMO, {"eth0": ["192.0.2.2"]})
    assert commands[0].startswith("link add bob2 ")
    assert "addr add 10.121.0.253/24 dev bob2" in commands
    assert network.machine_commands(DEMO, {"bob2": ["10.121.0.253"]}) == []


def test_namespaces_of_a_sandbox_are_told_from_those_of_others() -> None:
    existing = [
        "bob-a",
        "bob-a-n1",
        "bob-a-n12",
        "bob-a-b",
        "bob-a-b-n1",
        "bob-ab",
        "bob-a-nx",
        "a",
    ]
    assert network.namespaces("a", existing) == ["bob-a", "bob-a-n1", "bob-a-n12"]
    assert network.namespaces("a-b", existing) == ["bob-a-b", "bob-a-b-n1"]
