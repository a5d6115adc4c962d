"""Steps of `bob init` on doubles: what they find, what they wait for, what they restart."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from bob.clients.http import Refused
from bob.errors import DeadlinePassed, Temporary
from bob.ops.init.servers import consul_lack, nomad_lack, without_client
from bob.ops.init.steps import STEPS
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision.node_files import NodeFile
from bob.provision.readers import units_reading
from bob.waiting import Clock, Deadline
from inventory import NetworkName


def test_names_and_titles_are_the_documentation() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names) == 14
    assert names[0] == "preflight"
    assert names[-1] == "record"
    assert all(step.title[0].isupper() and not step.title.endswith(".") for step in STEPS)


@pytest.mark.parametrize(
    ("paths", "units"),
    [
        (["/etc/bob/consul-mgmt/agent.json"], {"consul-mgmt"}),
        (["/etc/bob/nomad/nomad.json", "/etc/bob/nomad/key.pem"], {"nomad"}),
        (["/etc/systemd/system/consul-tenant.service"], {"consul-tenant"}),
        (["/etc/bob/agent/agent.json"], {"bob-agent"}),
        (["/etc/systemd/system/bob-agent.service"], {"bob-agent"}),
        (["/opt/bob/bin/wait-for-consul"], set()),
    ],
)
def test_a_changed_file_restarts_the_unit_that_reads_it(paths: list[str], units: set[str]) -> None:
    assert units_reading(paths) == units


def test_a_server_starts_without_its_client_part_only() -> None:
    file = NodeFile("/etc/bob/nomad/nomad.json", b'{"server": {"a": 1}, "client": {}}', 0o600)
    staged = without_client(file)
    assert json.loads(staged.content) == {"server": {"a": 1}}
    assert (staged.path, staged.mode) == (file.path, file.mode)


class Waiting(Step[list[Probe]]):
    """Its probes are told beforehand."""

    name = "waiting"
    title = "Wait for it"

    def probe(self, context: list[Probe]) -> Probe:
        return context.pop(0) if len(context) > 1 else context[0]

    def apply(self, context: list[Probe], deadline: Deadline) -> None:
        self.wait_until_done(context, deadline, cure="look at it")


def make_deadline(seconds: float) -> Deadline:
    slept: list[float] = []
    return Deadline(seconds, Clock(now=lambda: sum(slept), sleep=slept.append))


def test_waiting_ends_when_nothing_is_needed() -> None:
    probes = [needed("a"), needed("b"), DONE]
    Waiting().apply(probes, make_deadline(10))
    assert probes == [DONE]


def test_waiting_in_vain_says_what_was_missing_last() -> None:
    with pytest.raises(DeadlinePassed, match="Wait for it: not done within 10 s: n3 is") as error:
        Waiting().apply([needed("n2 is missing"), needed("n3 is missing")], make_deadline(10))
    assert error.value.cure == "look at it"


class FakeCluster:
    """As much of an `InitContext` as the quorum of a network needs."""

    def __init__(self, leader: Any, voters: Any) -> None:
        self.cluster = self
        self.servers = ("n1", "n2", "n3")
        self.operator = self
        self._leader, self._voters = leader, voters

    def network_names(self) -> list[NetworkName]:
        return [NetworkName.MGMT]

    def consul(self, _: NetworkName) -> FakeCluster:
        return self

    def leader(self) -> str:
        return str(_value(self._leader))

    def raft(self) -> FakeCluster:
        self.voters = _value(self._voters)
        return self


def _value(found: Any) -> Any:
    if isinstance(found, Exception):
        raise found
    return found


@pytest.mark.parametrize(
    ("leader", "voters", "reason"),
    [
        ("", frozenset(), "Consul has no leader on mgmt"),
        (Temporary("refused"), frozenset(), "Consul does not answer on mgmt"),
        ("10.1.0.1:8300", frozenset({"n1"}), "n2, n3 not a voter on mgmt"),
        (
            "10.1.0.1:8300",
            Refused("ACL not found", status=403),
            "Consul does not know the management token on mgmt",
        ),
        ("10.1.0.1:8300", frozenset({"n1", "n2", "n3"}), ""),
    ],
)
def test_the_quorum_of_a_network_is_waited_for(leader: Any, voters: Any, reason: str) -> None:
    cluster: Any = FakeCluster(leader, voters)
    assert consul_lack(cluster, NetworkName.MGMT) == reason


def test_another_refusal_of_consul_is_an_error() -> None:
    cluster: Any = FakeCluster("10.1.0.1:8300", Refused("not here", status=404))
    with pytest.raises(Refused, match="not here"):
        consul_lack(cluster, NetworkName.MGMT)


@pytest.mark.parametrize(
    ("leader", "peers", "reason"),
    [
        (Temporary("refused"), (), "Nomad does not answer"),
        ("", (), "0 of 3 Nomad servers in a quorum"),
        ("10.1.0.1:4647", ("a", "b"), "2 of 3 Nomad servers in a quorum"),
        ("10.1.0.1:4647", ("a", "b", "c"), ""),
    ],
)
def test_the_quorum_of_nomad_is_waited_for(leader: Any, peers: Any, reason: str) -> None:
    nomad = SimpleNamespace(leader=lambda: _value(leader), peers=lambda: frozenset(peers))
    context: Any = SimpleNamespace(nomad=lambda: nomad, servers=("n1", "n2", "n3"))
    assert nomad_lack(context) == reason
