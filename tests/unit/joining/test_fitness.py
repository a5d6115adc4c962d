"""Every reason to refuse a host, as a table."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address
from typing import Any

import pytest

from bob.ops.joining.fitness import judge
from bob.provision import agents, host_report
from bob.provision.host_report import HostReport, Listener
from inventory import Cluster

CLAIM = "c1 01ABC"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}, "storage": {"cidr": "10.2.0.0/24"}},
            "nodes": [
                {"name": f"n{i}", "addresses": {"mgmt": f"10.1.0.{i}", "storage": f"10.2.0.{i}"}}
                for i in (1, 2, 3)
            ],
        }
    )


def healthy(name: str) -> HostReport:
    number = name[1:]
    return HostReport(
        name=name,
        uid=0,
        os="debian 12",
        arch="x86_64",
        hostname=name,
        machine_id=f"id-{name}",
        pid1="systemd",
        claim="",
        python="3.11",
        clock_offset=0.0,
        commands=frozenset(host_report.COMMANDS),
        disks=dict.fromkeys(host_report.DISKS, 10**11),
        writable=frozenset(host_report.DISKS),
        nics={IPv4Address(f"10.1.0.{number}"): "eth0", IPv4Address(f"10.2.0.{number}"): "eth1"},
        listeners=frozenset({Listener("tcp", None, 22)}),
        resolver=host_report.Resolver(),
    )


def findings(cluster: Cluster, **changed: Any) -> list[str]:
    """What is found when the host n2 differs from a healthy one in this."""
    reports = {node.name: healthy(node.name) for node in cluster.nodes}
    reports["n2"] = dataclasses.replace(reports["n2"], **changed)
    ports = {node.name: agents.listeners(cluster, node, server=True) for node in cluster.nodes}
    return [str(finding) for finding in judge(cluster, reports, CLAIM, ports) if finding.fatal]


def test_healthy_hosts_are_fit(cluster: Cluster) -> None:
    assert findings(cluster) == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"uid": 1000}, "no root rights"),
        ({"wiping": True, "claim": CLAIM}, "is just being made bare"),
        ({"claim": "other 01XYZ"}, "already belongs to cluster 'other'"),
        ({"claim": "c1 01OTHER"}, "already belongs to cluster 'c1'"),
        ({"os": "debian 11"}, "runs debian 11"),
        ({"os": "fedora 41"}, "runs fedora 41"),
        ({"arch": "riscv64"}, "is a riscv64"),
        ({"pid1": "runit"}, "PID 1 is runit"),
        ({"python": ""}, "has no complete Python, 3.11 or newer is needed (apt install python3)"),
        ({"python": "3.9"}, "has Python 3.9, 3.11 or newer is needed"),
        ({"commands": frozenset(host_report.COMMANDS) - {"tar"}}, "lacks tar"),
        ({"clock_offset": 60.0}, "its clock is +60 s off the others"),
        ({"clock_offset": -61.0}, "its clock is -61 s off the others"),
        ({"machine_id": "id-n1"}, "has the same /etc/machine-id as n1"),
        ({"nics": {}}, "has no NIC with its mgmt address 10.1.0.2"),
        ({"disks": {"/opt": 10**6, "/var/lib": 10**11, "/etc": 10**11}}, "/opt has 0.00 GB free"),
        ({"writable": frozenset({"/opt", "/etc"})}, "/var/lib cannot be written"),
        ({"listeners": frozenset({Listener("tcp", None, 8300)})}, "port 8300/tcp of consul-mgmt"),
        (
            {"listeners": frozenset({Listener("udp", IPv4Address("127.0.0.1"), 53)})},
            "port 53/udp of consul-mgmt is taken",
        ),
    ],
)
def test_an_unfit_host_is_named(cluster: Cluster, changed: dict[str, Any], problem: str) -> None:
    found = findings(cluster, **changed)
    assert any(line.startswith(f"n2: {problem}") for line in found), found
    assert all(line.startswith("n2: ") for line in found)
    assert all("(" in line for line in found), "every finding says what to do"


@pytest.mark.parametrize(
    "changed",
    [
        {"clock_offset": 4.0},
        {"claim": CLAIM, "listeners": frozenset({Listener("tcp", None, 8300)})},
        {"listeners": frozenset({Listener("tcp", IPv4Address("10.9.9.9"), 8300)})},
        {"listeners": frozenset({Listener("udp", None, 8300)})},
        {"commands": frozenset(host_report.COMMANDS) - {"docker"}},
        {"hostname": "localhost"},
        {"os": "debian 13", "python": "3.13"},
    ],
)
def test_what_does_no_harm_is_no_reason(cluster: Cluster, changed: dict[str, Any]) -> None:
    assert findings(cluster, **changed) == []


def test_an_operators_clock_that_is_off_harms_nobody(cluster: Cluster) -> None:
    reports = {
        node.name: dataclasses.replace(healthy(node.name), clock_offset=3600.0)
        for node in cluster.nodes
    }
    assert judge(cluster, reports, CLAIM, {node.name: () for node in cluster.nodes}) == ()


def test_hosts_that_all_gave_no_answer_are_no_reason(cluster: Cluster) -> None:
    nobody = cluster.model_copy(update={"nodes": ()})
    assert judge(nobody, {}, CLAIM, {}) == ()


def test_a_program_in_the_way_of_several_units_is_named_once(cluster: Cluster) -> None:
    found = findings(cluster, listeners=frozenset({Listener("tcp", None, 8301)}))
    cure = "(stop the program that listens on *:8301)"
    assert found == [f"n2: port 8301/tcp of consul-mgmt, consul-storage is taken {cure}"]


def test_a_report_is_read_from_the_output_of_the_script() -> None:
    answer = (
        "clock\t1000.5\nuid\t0\nos\tdebian 12\narch\tx86_64\nhostname\tn1\nmachine_id\tabc\n"
        "pid1\tsystemd\nclaim\tc1 01ABC\npython\t3.11\n"
        "resolved\t../run/systemd/resolve/stub-resolv.conf\n"
        "command\ttar\ncommand\tdocker\ndisk\t/opt 1000\nwritable\t/opt\n"
        "nameserver\t10.0.0.2\nsearch\texample.org\naddress\teth0 10.1.0.1\n"
        "listen\ttcp 0100007F:1F90\nlisten\ttcp6 00000000000000000000000000000000:0016\n"
        "listen\tudp 00000000:0035\nlisten\ttcp6 00000000000000000000000001000000:0050\n"
    )
    report = host_report.parse("n1", answer, sent=1000.0)
    assert report.clock_offset == 0.5
    assert report.python == "3.11"
    assert report.commands == {"tar", "docker"}
    assert report.disks == {"/opt": 1_024_000}
    assert report.nics == {IPv4Address("10.1.0.1"): "eth0"}
    assert report.listeners == {
        Listener("tcp", IPv4Address("127.0.0.1"), 8080),
        Listener("tcp", None, 22),
        Listener("udp", None, 53),
    }
    assert report.resolver.upstream == ("10.0.0.2",)
    assert report.resolver.search == ("example.org",)
    assert report.resolver.resolved
