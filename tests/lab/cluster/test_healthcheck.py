"""A NIC is pulled: both checks and `bob doctor` tell of it, and what to do about it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from harness import LONG, Lab

from bob.clients.consul import Check, Consul
from bob.context import Context
from bob.waiting import wait_for

pytestmark = pytest.mark.lab

SOON = 120.0
BUDGET = 20.0  # MB of the daemon on each node
SHARE = "awk '/^Pss:/ {print $2}' /proc/$(systemctl show -P MainPID healthcheck)/smaps_rollup"


def doctor(lab: Lab, code: int | None = None) -> dict[str, Any]:
    """What `bob doctor -o json` says; either of its exit codes unless one is demanded."""
    result = subprocess.run(
        lab.command("doctor", "-o", "json", "--cluster", lab.sandbox.name),
        capture_output=True, text=True, env=lab.environment, timeout=LONG,
    )  # fmt: skip
    assert result.returncode in ((0, 9) if code is None else (code,)), result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def lines(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What needs attention: place, subject, and what it is."""
    return [
        (one["place"], one["subject"], one["what"])
        for one in found["findings"]
        if one["level"] in ("warning", "critical")
    ]


@pytest.fixture
def consul(cluster: Lab, monkeypatch: pytest.MonkeyPatch) -> Consul:
    monkeypatch.setenv("BOB_STATE", str(cluster.state))
    return Context.load(cluster.sandbox.name).consul()


def check(consul: Consul, service: str, node: str = "") -> Check | None:
    found = [
        one
        for one in consul.catalog.checks()
        if one.service_name == service and node in ("", one.node)
    ]
    assert len(found) <= 1 or not node
    return found[0] if found else None


def well(cluster: Lab) -> bool:
    return bool(doctor(cluster)["healthy"])


def test_a_healthy_cluster_is_said_to_be_healthy(cluster: Lab, consul: Consul) -> None:
    wait_for(lambda: well(cluster), what="a healthy cluster", deadline=SOON, interval=1)
    wait_for(
        lambda: (found := check(consul, "clustercheck")) and "all 3 nodes" in found.output,
        what="the nodes are counted", deadline=SOON, interval=1,
    )  # fmt: skip
    for node in ("n1", "n2", "n3"):
        own = check(consul, "nodecheck", node)
        assert own is not None and own.passing, own
        assert "2 neighbours reached" in own.output
    whole = check(consul, "clustercheck")
    assert whole is not None and "3 of 3 are online" in whole.output
    assert "all 3 nodes are there" in whole.output and "Nomad servers" in whole.output


def test_the_daemon_is_small(cluster: Lab) -> None:
    for node in ("n1", "n2", "n3"):
        share = int(cluster.on(node, SHARE)) / 1024
        print(f"{node}: healthcheck takes {share:.1f} MB (PSS, budget {BUDGET:.0f})")
        assert share <= BUDGET


def test_a_pulled_nic_is_told_with_what_to_do(cluster: Lab, consul: Consul) -> None:
    wait_for(lambda: well(cluster), what="a healthy cluster", deadline=SOON, interval=1)
    name = cluster.sandbox.name
    cluster.bob("sandbox", "fault", "nic", "n2", "storage", "--name", name)
    try:

        def told() -> bool:
            found = lines(doctor(cluster))
            return any(
                (place, subject) == ("n2", "storage") and what.endswith("has no link")
                for place, subject, what in found
            ) and any(
                (place, subject) == ("cluster", "storage") and "n2 is missing" in what
                for place, subject, what in found
            )

        wait_for(told, what="bob doctor tells of the NIC", deadline=SOON, interval=1)
        own = check(consul, "nodecheck", "n2")
        assert own is not None and own.status == "critical"
        assert "Check the cable of" in own.output
        neighbour = check(consul, "nodecheck", "n1")
        assert neighbour is not None and "n2: not reached" in neighbour.output
        shown = cluster.bob("doctor", "--cluster", name, code=9)
        assert "-> Check the cable of" in shown.stdout
    finally:
        cluster.bob("sandbox", "fault", "clear", "nic:n2:storage", "--name", name)
    wait_for(lambda: well(cluster), what="a healthy cluster again", deadline=SOON, interval=1)


def test_another_server_watches_when_the_watcher_is_gone(cluster: Lab, consul: Consul) -> None:
    wait_for(lambda: well(cluster), what="a healthy cluster", deadline=SOON, interval=1)
    whole = check(consul, "clustercheck")
    assert whole is not None
    cluster.on(whole.node, "systemctl stop healthcheck")
    try:

        def another() -> bool:
            found = [c for c in consul.catalog.checks() if c.service_name == "clustercheck"]
            return len(found) == 1 and found[0].node != whole.node

        wait_for(another, what="another watcher", deadline=SOON, interval=1)

        def told() -> bool:
            found = lines(doctor(cluster))
            return any(
                place == whole.node and subject == "nodecheck" for place, subject, _ in found
            )

        wait_for(told, what="the silent node is told of", deadline=SOON, interval=1)
    finally:
        cluster.on(whole.node, "systemctl start healthcheck")
    wait_for(lambda: well(cluster), what="a healthy cluster again", deadline=SOON, interval=1)
