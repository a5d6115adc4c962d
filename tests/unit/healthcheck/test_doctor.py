"""What a doctor makes of what the nodes wrote down, and of a cluster that cannot be asked."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from health_facts import CHECKS, NODES, check
from status_builders import context, silent
from status_builders import snapshot as healthy_snapshot

from bob.__main__ import run
from bob.context import Context
from bob.provision.secrets import load_or_create
from bob.status.decide import decide as status
from healthcheck.doctor import sense
from healthcheck.doctor.decide import decide
from healthcheck.doctor.facts import Seen, Told
from healthcheck.findings import Finding, Level, ok
from healthcheck.records import Record
from inventory import Cluster, Network, NetworkName, Node

WELL = ok("memory", "enough is free")
BAD = Finding(Level.CRITICAL, "storage", "eth1 has no link", "Check the cable.")
POOR = Finding(Level.WARNING, "service demo", "1 of 2 healthy", "nomad job status demo")
COMPLAINS = Finding(Level.CRITICAL, "nodecheck", "n2 complains of itself", "bob doctor")
WATCHED = (*CHECKS, check("n1", "clustercheck"))


def told(**changes: Any) -> Told:
    well = Told(
        nodes={name: Record(name, True, (WELL,)) for name in NODES},
        cluster=Record("n1", True, (WELL,)),
        checks=WATCHED,
    )
    return replace(well, **changes)


def seen(**changes: Any) -> Seen:
    well = Seen("c1", NODES, told(), "", status(context(), healthy_snapshot()), frozenset(NODES))
    return replace(well, **changes)


def found(facts: Seen) -> list[tuple[str, str, str]]:
    return [
        (line.place, line.finding.level.word, line.finding.what)
        for line in decide(facts).lines
        if line.finding.level is not Level.OK
    ]


def test_a_healthy_cluster_is_healthy() -> None:
    diagnosis = decide(seen())
    assert diagnosis.healthy and found(seen()) == []
    assert len(diagnosis.lines) == 1 + len(NODES)


def test_findings_of_nodes_and_cluster_are_told_with_their_place_the_worst_first() -> None:
    nodes = {**told().nodes, "n2": Record("n2", True, (WELL, BAD))}
    facts = seen(told=told(nodes=nodes, cluster=Record("n1", True, (POOR, COMPLAINS))))
    assert found(facts) == [
        ("n2", "critical", "eth1 has no link"),
        ("cluster", "warning", "1 of 2 healthy"),
    ]
    document = decide(facts).as_json()
    assert document["schema"] == "bob/doctor/1" and document["level"] == "critical"
    assert document["findings"][0] == {
        "place": "n2", "level": "critical", "subject": "storage", "what": "eth1 has no link",
        "cure": "Check the cable.",
    }  # fmt: skip


def without(node: str, service: str) -> tuple[Any, ...]:
    return tuple(c for c in WATCHED if (c.node, c.service_name) != (node, service))


@pytest.mark.parametrize(
    ("checks", "place", "what"),
    [
        (without("n4", "nodecheck"), "n4", "says nothing of itself"),
        ((*without("n4", "nodecheck"), check("n4", "nodecheck", "critical", "TTL expired")), "n4",
         "says nothing of itself"),
        ((*without("n4", "nodecheck"), check("n4", "nodecheck", "critical", "stopped")), "n4",
         "says nothing of itself"),
        ((*WATCHED, check("n4", "serfHealth", "critical")), "n4", "says nothing of itself"),
        (without("n1", "clustercheck"), "cluster", "no server watches the cluster"),
    ],
)  # fmt: skip
def test_silence_is_told_instead_of_what_was_said_before(
    checks: tuple[Any, ...], place: str, what: str
) -> None:
    assert found(seen(told=told(checks=checks))) == [(place, "warning", what)]


def test_who_has_just_started_is_told_apart() -> None:
    nodes = {**told().nodes, "n2": Record("n2", False, (WELL,))}
    facts = seen(told=told(nodes=nodes, cluster=Record("n1", False, ())))
    assert [(place, level) for place, level, _ in found(facts)] == [
        ("cluster", "note"), ("n2", "note"),
    ]  # fmt: skip
    assert decide(facts).healthy


def test_without_consul_the_doctor_tells_what_is_seen_from_here() -> None:
    broken = status(context(), silent("n1", "n2", "n3"))
    facts = seen(told=None, why="connection refused", status=broken, answering=frozenset({"n1"}))
    lines = found(facts)
    assert lines[0] == ("cluster", "critical", "cannot be asked: connection refused")
    assert ("n2", "critical", "the host does not answer us") in lines
    assert ("n1", "note", "the host is up; what it found is not to be had") in lines
    assert any("no server answers" in what for _, _, what in lines)
    assert not decide(facts).healthy


def test_hosts_that_could_not_be_asked_are_not_called_dead() -> None:
    facts = seen(told=None, why="x", answering=None)
    assert {place for place, _, _ in found(facts)} == {"cluster"}


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `bob init` leaves behind of a cluster on loopback addresses where nobody listens."""
    monkeypatch.setenv("BOB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("BOB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BOB_CLUSTER", raising=False)
    cluster = Cluster(
        name="c1",
        networks={NetworkName.MGMT: Network(cidr=IPv4Network("127.77.0.0/24"))},
        nodes=tuple(
            Node(name=f"n{n}", addresses={NetworkName.MGMT: IPv4Address(f"127.77.0.{n}")})
            for n in (1, 2, 3, 4)
        ),
    )
    made = Context.of(cluster, NODES[:3])
    made.save()
    made.consul_ca_file.parent.mkdir(exist_ok=True)
    for ca_file in (made.consul_ca_file, made.nomad_ca_file):
        ca_file.write_bytes(b"")
    load_or_create(made.folder / "secrets.json", cluster)


@pytest.mark.usefixtures("known")
def test_the_command_prints_the_diagnosis_and_its_verdict_by_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sense, "sense", lambda *_: seen())
    assert run(["doctor", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["healthy"] is True
    nodes = {**told().nodes, "n2": Record("n2", True, (BAD,))}
    monkeypatch.setattr(sense, "sense", lambda *_: seen(told=told(nodes=nodes)))
    assert run(["doctor"]) == 9
    said = capsys.readouterr()
    assert "critical n2: storage: eth1 has no link" in said.out
    assert "-> Check the cable." in said.out
    assert "n2: storage: eth1 has no link" in said.err


@pytest.mark.usefixtures("known")
def test_a_cluster_that_does_not_answer_at_all_is_told_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["doctor", "-o", "json"]) == 9
    document = json.loads(capsys.readouterr().out)
    lines = [(one["place"], one["what"]) for one in document["findings"]]
    assert lines[0][1].startswith("cannot be asked: ")
    for node in NODES:
        assert (node, "the host does not answer us") in lines
    assert all(one["cure"] for one in document["findings"])
