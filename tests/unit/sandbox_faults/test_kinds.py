"""What each kind of fault tells the switch, and which parameters it refuses."""

from __future__ import annotations

import sys

import pytest

from bob.errors import Temporary, UsageError
from bob.sandbox.bmc import Bmc
from bob.sandbox.faults import kinds, registry

ONE = {"node": "n1"}
NIC = {"node": "n1", "network": "storage"}

EXAMPLES = {
    "bmc:n1": ("bmc", ONE | {"defect": "hang"}),
    "delay:n1:storage": ("delay", NIC | {"ms": 50, "jitter": 5, "loss": 1}),
    "disk:n1:/var/lib": ("disk", ONE | {"path": "/var/lib", "size": "5M"}),
    "hang:n1": ("hang", ONE),
    "loss:n1:storage": ("loss", NIC | {"percent": 30}),
    "network:mgmt": ("network", {"network": "mgmt", "keep_carrier": True}),
    "nic:n1:storage": ("nic", NIC | {"direction": "in"}),
    "pair:n1:n2": ("pair", {"first": "n2", "second": "n1"}),
    "power:n1": ("power", ONE | {"action": "cycle"}),
    "process:n1:ssh.service": ("process", ONE | {"pattern": "ssh.service", "blow": "kill"}),
}


def test_every_kind_is_in_this_table():
    assert sorted(registry.all_kinds()) == sorted(kind for kind, _ in EXAMPLES.values())


@pytest.mark.parametrize("fault_id", EXAMPLES)
def test_a_fault_is_named_by_its_target_and_made_again_from_its_record(fault_id):
    fault = registry.make(*EXAMPLES[fault_id])
    assert fault.id == fault_id
    assert registry.make(fault.kind, fault.arguments()) == fault


def rules(text: str) -> dict[str, list[str]]:
    """Hook -> the rules of its chain, in an nft program."""
    found: dict[str, list[str]] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("chain "):
            end = lines.index("}", number)
            assert lines[number + 1].startswith(f"type filter hook {line.split()[1]} priority")
            found[line.split()[1]] = lines[number + 2 : end]
    return found


N1, N2 = '{ "n1-storage", "n1-storage-w" }', '{ "n2-storage", "n2-storage-w" }'
SENT, RECEIVED = f"iifname {N1}", f"oifname {N1}"

PROGRAMS = [
    ("nic", NIC, {"prerouting": [f"{SENT} drop"], "postrouting": [f"{RECEIVED} drop"]}),
    ("nic", NIC | {"direction": "in"}, {"postrouting": [f"{RECEIVED} drop"]}),
    ("nic", NIC | {"direction": "out"}, {"prerouting": [f"{SENT} drop"]}),
    (
        "pair",
        {"first": "n1", "second": "n2", "network": "storage"},
        {"forward": [f"{SENT} oifname {N2} drop", f"iifname {N2} {RECEIVED} drop"]},
    ),
    (
        "loss",
        NIC | {"percent": 7},
        {
            "prerouting": [f"{SENT} numgen random mod 100 < 7 drop"],
            "postrouting": [f"{RECEIVED} numgen random mod 100 < 7 drop"],
        },
    ),
]


@pytest.mark.parametrize(("kind", "arguments", "expected"), PROGRAMS)
def test_frames_are_dropped_by_a_table_of_the_fault(
    sandbox, recorded_switch, kind, arguments, expected
):
    fault = registry.make(kind, arguments)
    fault.check(sandbox)
    fault.apply(sandbox)
    fault.undo(sandbox)
    made, removed = recorded_switch.programs
    table = f"fault_{fault.id.replace(':', '_')}"
    assert f"table bridge {table} {{" in made.splitlines()
    assert rules(made) == expected
    assert removed == f"add table bridge {table}\ndelete table bridge {table}\n"


def test_a_pair_is_parted_on_all_networks_when_none_is_named(sandbox, recorded_switch):
    registry.make("pair", {"first": "n1", "second": "n3"}).apply(sandbox)
    assert len(rules(recorded_switch.programs[0])["forward"]) == 6


def test_a_network_that_is_down_drops_the_frames_of_every_host(sandbox, recorded_switch):
    registry.make("network", {"network": "mgmt"}).apply(sandbox)
    assert [len(chain) for chain in rules(recorded_switch.programs[0]).values()] == [3, 3]


DARK = [
    ("nic", NIC, {"n1-storage"}),
    ("nic", NIC | {"keep_carrier": True}, set()),
    ("nic", NIC | {"direction": "out"}, set()),
    ("network", {"network": "mgmt"}, {"n1-mgmt", "n2-mgmt", "n3-mgmt"}),
    ("network", {"network": "mgmt", "keep_carrier": True}, set()),
    ("loss", NIC | {"percent": 7}, set()),
]


@pytest.mark.parametrize(("kind", "arguments", "ports"), DARK)
def test_which_ports_lose_their_carrier(sandbox, kind, arguments, ports):
    assert set(registry.make(kind, arguments).dark_ports(sandbox)) == ports


WRONG = [
    ("meteor", {}, "no fault of kind"),
    ("nic", {"node": "n1"}, "network: Field required"),
    ("nic", NIC | {"direction": "up"}, "direction"),
    ("nic", NIC | {"colour": "red"}, "colour"),
    ("loss", NIC | {"percent": 0}, "percent"),
    ("loss", NIC | {"percent": 101}, "percent"),
    ("delay", NIC | {"ms": -1}, "ms"),
    ("delay", NIC | {"ms": 1, "loss": 101}, "loss"),
    ("disk", ONE | {"path": "/"}, "path: give an absolute path"),
    ("disk", ONE | {"path": "srv"}, "path: give an absolute path"),
    ("disk", ONE | {"path": "/srv/../etc"}, "path: give an absolute path"),
    ("disk", ONE | {"path": "/a,upperdir=/b"}, "path: give an absolute path"),
    ("disk", ONE | {"path": "/srv", "size": "many"}, "size: give a number"),
    ("power", ONE | {"action": "explode"}, "action"),
]


@pytest.mark.parametrize(("kind", "arguments", "message"), WRONG)
def test_wrong_parameters_are_named(kind, arguments, message):
    with pytest.raises(UsageError, match=message):
        registry.make(kind, arguments)


UNKNOWN = [
    ("nic", NIC | {"node": "n4"}, "no host 'n4'"),
    ("nic", NIC | {"network": "lan"}, "no network 'lan'"),
    ("network", {"network": "lan"}, "no network 'lan'"),
    ("pair", {"first": "n1", "second": "n4"}, "no host 'n4'"),
    ("pair", {"first": "n1", "second": "n1"}, "parted from itself"),
    ("power", {"node": "n4", "action": "off"}, "no host 'n4'"),
    ("bmc", ONE | {"defect": "dead"}, "does not run"),
    ("hang", ONE, "n1 is powered off"),
    ("process", ONE | {"pattern": "sshd", "blow": "kill"}, "n1 is powered off"),
    ("disk", ONE | {"path": "/srv"}, "n1 is powered off"),
]


@pytest.mark.parametrize(("kind", "arguments", "message"), UNKNOWN)
def test_a_target_that_does_not_exist_is_refused(sandbox, kind, arguments, message):
    with pytest.raises(UsageError, match=message):
        registry.make(kind, arguments).check(sandbox)


def test_power_is_refused_while_the_bmc_is_silent_and_the_cure_is_named(sandbox, monkeypatch):
    def silence(_):
        raise Temporary("BMC 10.101.0.111 does not answer")

    monkeypatch.setattr(Bmc, "is_on", silence)
    with pytest.raises(Temporary, match="does not answer") as caught:
        registry.make("power", ONE | {"action": "off"}).check(sandbox)
    assert "bob sandbox fault clear bmc:n1 --name t" in caught.value.cure


@pytest.mark.parametrize(
    ("size", "expected"), [("0", 0), ("1", 4096), ("4096", 4096), ("5k", 8192), ("1G", 1 << 30)]
)
def test_the_size_of_a_disk_is_counted_in_pages(size, expected):
    assert registry.make("disk", ONE | {"path": "/srv", "size": size}).bytes == expected


NEW_KIND = """
from typing import ClassVar
from bob.sandbox.faults.kinds.hang import Hang

class Meteor(Hang):
    kind: ClassVar[str] = "meteor"
"""


def test_a_file_adds_a_kind(tmp_path, monkeypatch):
    (tmp_path / "meteor.py").write_text(NEW_KIND)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    registry.all_kinds.cache_clear()
    try:
        assert registry.make("meteor", ONE).id == "meteor:n1"
    finally:
        registry.all_kinds.cache_clear()
        sys.modules.pop(f"{kinds.__name__}.meteor", None)
