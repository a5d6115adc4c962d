"""What a sensor remembers between two looks."""

from __future__ import annotations

import pytest
from health_facts import members

from healthcheck.config import HealthConfig, OwnNetwork
from healthcheck.node import echo
from healthcheck.node.facts import Echo, Pool
from healthcheck.node.sense import PATIENT_SECONDS, POOLS, NodeSensor
from healthcheck.probing import Outcome

CONFIG = HealthConfig(
    cluster="c1", node="n1", token="t", networks=(OwnNetwork("mgmt", "127.0.0.1", 1),), units=(),
    echo_port=1, metrics_port=1, watches_cluster=False, consul_ca="", nomad="",
    nomad_ca="",
)  # fmt: skip
WHO = ("mgmt", "n2")


@pytest.mark.parametrize(
    ("age", "fresh"), [(0.0, True), (5.0, False), (PATIENT_SECONDS, False), (60.0, None)]
)
def test_a_neighbour_that_was_just_heard_is_not_forgotten_at_once(
    monkeypatch: pytest.MonkeyPatch, age: float, fresh: bool | None
) -> None:
    now = 100.0
    sensor = NodeSensor(CONFIG, lambda: now)
    known = {**sensor._prober.outcomes(), POOLS: Outcome({"mgmt": Pool(members())})}
    monkeypatch.setattr(sensor._prober, "outcomes", lambda: known)
    asked: list[set[tuple[str, str]]] = []

    def ask(port: int, networks: object, neighbours: echo.Asked) -> echo.Echoes:
        asked.append(set(neighbours))
        return {WHO: Echo(0.1, 0.0)} if len(asked) == 1 else {}

    monkeypatch.setattr(echo, "ask", ask)
    found = sensor._echoes()
    if age:
        now += age
        found = sensor._echoes()
    assert asked[0] == {("mgmt", name) for name in ("n2", "n3", "n4")}
    assert (found[WHO].fresh if WHO in found else None) is fresh
