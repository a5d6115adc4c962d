"""`bob sandbox fault`: every kind is a command made of its parameters."""

from __future__ import annotations

import json

import pytest

from bob.__main__ import run
from bob.sandbox import requirements
from bob.sandbox.faults import actions, registry
from bob.sandbox.faults.store import Record
from bob.sandbox.record import Sandbox


@pytest.fixture(autouse=True)
def injected(sandbox, monkeypatch):
    """The faults that commands have injected, in place of a machine."""
    got = []

    def inject(_, fault):
        got.append(fault)
        return Record.of(fault)

    monkeypatch.setattr(requirements, "check_root", lambda: None)
    monkeypatch.setattr(Sandbox, "load", lambda name: sandbox)
    monkeypatch.setattr(actions, "inject", inject)
    return got


LINES = [
    ("power n1 off", "power", {"node": "n1", "action": "off"}),
    ("hang n2", "hang", {"node": "n2"}),
    ("nic n1 mgmt", "nic", {"node": "n1", "network": "mgmt"}),
    (
        "nic n1 mgmt --keep-carrier",
        "nic",
        {"node": "n1", "network": "mgmt", "keep_carrier": True},
    ),
    ("nic n1 mgmt --direction out", "nic", {"node": "n1", "network": "mgmt", "direction": "out"}),
    ("pair n1 n2", "pair", {"first": "n1", "second": "n2"}),
    (
        "pair n1 n2 --network tenant",
        "pair",
        {"first": "n1", "second": "n2", "network": "tenant"},
    ),
    ("loss n1 mgmt 30", "loss", {"node": "n1", "network": "mgmt", "percent": 30}),
    (
        "delay n1 mgmt 50 --jitter 5",
        "delay",
        {"node": "n1", "network": "mgmt", "ms": 50, "jitter": 5},
    ),
    ("network storage", "network", {"network": "storage"}),
    ("bmc n1 dead", "bmc", {"node": "n1", "defect": "dead"}),
    ("process n1 sshd kill", "process", {"node": "n1", "pattern": "sshd", "blow": "kill"}),
    ("disk n1 /srv --size 1M", "disk", {"node": "n1", "path": "/srv", "size": "1M"}),
]


@pytest.mark.parametrize(("line", "kind", "arguments"), LINES)
def test_a_line_becomes_a_fault(injected, capsys, line, kind, arguments):
    assert run(["sandbox", "fault", *line.split()]) == 0
    expected = registry.make(kind, arguments)
    assert injected == [expected]
    said = capsys.readouterr()
    assert said.out == f"{expected.id}\n"
    assert f"bob sandbox fault clear {expected.id} --name sandbox" in said.err


@pytest.mark.parametrize(
    "line",
    ["meteor n1", "nic n1", "power n1 explode", "loss n1 mgmt much", "loss n1 mgmt 0", "clear"],
)
def test_a_wrong_line_exits_with_2(injected, line):
    assert run(["sandbox", "fault", *line.split()]) == 2
    assert injected == []


def test_every_kind_is_in_the_help(capsys):
    assert run(["sandbox", "fault", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(kind in said for kind in (*registry.all_kinds(), "ls", "clear"))


def test_the_faults_in_force_as_json(sandbox, monkeypatch, capsys):
    record = Record.of(registry.make("hang", {"node": "n1"}))
    monkeypatch.setattr(actions, "in_force", lambda _: [record])
    assert run(["sandbox", "fault", "ls", "-o", "json"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert view["schema"] == "bob/sandbox-faults/1"
    assert view["faults"] == [record.model_dump()]
    assert set(view["faults"][0]) == {"id", "kind", "target", "arguments", "since"}
