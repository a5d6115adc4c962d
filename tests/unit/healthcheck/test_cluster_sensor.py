"""Whose view of a network counts: the watcher itself may be the one that is cut off."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from health_facts import members

from bob.clients.consul import Consul, Member, MemberStatus
from bob.clients.http import Unreachable
from healthcheck.cluster.sense import ClusterSensor
from healthcheck.config import HealthConfig, OwnNetwork

FAILED = MemberStatus.FAILED
CONFIG = HealthConfig(
    cluster="c1", node="n1", token="t", units=(), echo_port=1, metrics_port=1,
    networks=(OwnNetwork("mgmt", "10.0.0.1", 8500, 8501), OwnNetwork("storage", "", 8510, 8511)),
    watches_cluster=True, consul_ca="", nomad="", nomad_ca="",
)  # fmt: skip
CUT_OFF = members(n2=FAILED, n3=FAILED, n4=FAILED)
WITHOUT_US = members(n1=FAILED)
MGMT, STORAGE = "http://127.0.0.1:8500", "http://127.0.0.1:8510"
FROM_N2, FROM_N3 = "https://10.0.0.2:8511", "https://10.0.0.3:8511"


@pytest.mark.parametrize(
    ("views", "believed", "asked"),
    [
        ({STORAGE: members()}, members(), set()),  # nobody is missing: nobody else is asked
        ({STORAGE: CUT_OFF, FROM_N2: WITHOUT_US, FROM_N3: WITHOUT_US}, WITHOUT_US,
         {FROM_N2, FROM_N3}),
        ({STORAGE: CUT_OFF, FROM_N3: WITHOUT_US}, WITHOUT_US, {FROM_N2, FROM_N3}),
        ({STORAGE: CUT_OFF}, CUT_OFF, {FROM_N2, FROM_N3}),  # no other server answers
        ({STORAGE: members(n4=FAILED), FROM_N2: CUT_OFF}, members(n4=FAILED), {FROM_N2, FROM_N3}),
    ],
)  # fmt: skip
def test_the_widest_view_of_a_network_counts(
    monkeypatch: pytest.MonkeyPatch,
    views: Mapping[str, tuple[Member, ...]],
    believed: tuple[Member, ...],
    asked: set[str],
) -> None:
    others: set[str] = set()

    class Agent:
        def __init__(self, address: str) -> None:
            self.address = address

        def members(self) -> tuple[Member, ...]:
            if self.address.startswith("https"):
                others.add(self.address)
            if self.address == MGMT:
                return members()
            if self.address not in views:
                raise Unreachable("no answer", sent=False)
            return views[self.address]

    class Played:
        def __init__(self, address: str) -> None:
            self.agent = Agent(address)

    monkeypatch.setattr(Consul, "light", lambda address, *_, **__: Played(address))
    assert ClusterSensor(CONFIG)._pools() == {"mgmt": members(), "storage": believed}
    assert others == asked
