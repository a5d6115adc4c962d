"""The quorum of five hosts: changed by hand, kept by the robot, and brought back from what is left.

The tests share one cluster and follow each other; the last one leaves it with three hosts.
"""

from __future__ import annotations

import time

import pytest
import sleeper
from end_state import consul, nomad
from harness import Factory, Lab, power
from leaders import WITHOUT_LEADER, judgements, led, pass_around, watched

from bob.errors import BobError
from bob.ops.cluster_records import ClusterRecords
from bob.ops.consul_store import ConsulStore
from bob.ops.record import Operation
from bob.ops.view import SERVER
from bob.waiting import wait_for
from inventory import NetworkName

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

GRACE = 20  # seconds, so that a test need not wait for two minutes
DEADLINE = 420.0  # generous: 40 s for a promotion on an idle machine
USAGE, GUARD = 2, 6


@pytest.fixture(scope="module")
def five(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(sandbox_factory("servers", 5), tmp_path_factory.mktemp("servers"))
    lab.inventory.write_text(f"server_grace: {GRACE}\n{lab.inventory.read_text()}")
    lab.init()
    return lab


def test_what_makes_no_sense_is_refused(five: Lab) -> None:
    settled(five)
    assert "no node 'n9'" in five.bob("promote", "n9", "--yes", code=USAGE).stderr
    assert "no node 'n9'" in five.bob("demote", "n9", "--yes", code=USAGE).stderr
    server = min(servers(five))
    assert "a server already; nothing to do" in five.bob("promote", server, "--yes").stdout
    client = min(set(names(five)) - servers(five))
    assert "a client already; nothing to do" in five.bob("demote", client, "--yes").stdout


def test_a_promoted_node_stays_and_the_robot_lets_another_one_go(five: Lab) -> None:
    new = min(set(names(five)) - settled(five))
    began = time.monotonic()
    said = five.bob("promote", new, "--yes")
    print(f"promoted in {time.monotonic() - began:.0f} s")
    assert "one more than the 3 wanted" in said.stderr
    wait_for(lambda: new in voters(five), what=f"{new} votes", deadline=DEADLINE, interval=1)
    assert new in settled(five)


def test_a_demoted_server_is_replaced_first(five: Lab) -> None:
    zones = {node.name: node.zone for node in records(five).cluster().nodes}
    now = settled(five)
    # Of a zone with another node: else the robot would take this one back, for the zone's sake.
    old = next(n for n in sorted(now) if any(zones[o] == zones[n] for o in set(zones) - now))
    began = time.monotonic()
    five.bob("demote", old, "--yes")
    print(f"replaced in {time.monotonic() - began:.0f} s")
    now = settled(five)
    assert old not in now
    pass_around(five, sorted(now))
    assert (
        five.on(old, "ls /var/lib/bob/consul-mgmt/raft /var/lib/bob/nomad/server", check=False)
        == ""
    )


def test_the_robot_survives_that_its_own_node_is_demoted(five: Lab) -> None:
    settled(five)
    leader = five.status()["robot"]["leader"]
    five.bob("demote", leader, "--yes")
    last = newest(five, "replace-server", leader)
    assert last.state == "done"
    settled(five)
    assert five.status()["robot"]["leader"]


def test_three_hosts_lose_power_one_after_another(five: Lab) -> None:
    victims = sorted(settled(five))
    began = time.monotonic()
    with watched(five) as gaps:
        for victim in victims:
            power(five.sandbox, [victim], "off")
            power(five.sandbox, [victim], "on")
            wait_for(
                lambda name=victim: name in healthy(five), what=f"{victim} is back",
                deadline=DEADLINE, interval=0.5,
            )  # fmt: skip
        print(
            f"three power cycles in {time.monotonic() - began:.0f} s, longest gap {max(gaps):.1f} s"
        )
    assert max(gaps) < WITHOUT_LEADER
    settled(five)


def test_a_lost_server_is_replaced_and_comes_back_as_a_client(five: Lab) -> None:
    zones = {node.name: node.zone for node in records(five).cluster().nodes}
    now = settled(five)
    lost = next(n for n in sorted(now) if any(zones[o] == zones[n] for o in set(zones) - now))
    began = time.monotonic()
    power(five.sandbox, [lost], "off")
    with watched(five) as gaps:
        wait_for(
            lambda: len(healthy(five) - {lost}) == 3 and lost not in servers(five),
            what=f"another server than {lost}", deadline=DEADLINE, interval=1,
        )  # fmt: skip
    print(f"replaced {time.monotonic() - began:.0f} s after its power went, grace {GRACE} s")
    assert max(gaps) < WITHOUT_LEADER
    power(five.sandbox, [lost], "on")
    wait_for(
        lambda: five.status()["healthy"] and lost not in voters(five),
        what=f"{lost} is a client", deadline=DEADLINE, interval=1,
    )  # fmt: skip
    assert lost not in settled(five)


def test_a_quorum_is_brought_back_from_one_server(five: Lab) -> None:
    left, *lost = sorted(settled(five))
    assert "nothing to do" in five.bob("recover-quorum", "--yes").stdout
    consul(five).kv.put("test/kept", "yes")
    sleeper.register(five, 2)
    wait_for(lambda: running(five) == 2, what="the job runs", deadline=DEADLINE, interval=0.5)
    for name in lost:
        power(five.sandbox, [name], "off")
    wait_for(lambda: not led(five), what="no leader", deadline=DEADLINE, interval=0.5)

    refused = five.bob("recover-quorum", "--yes", code=GUARD)
    assert "--accept quorum-loss" in refused.stderr
    began = time.monotonic()
    five.bob("recover-quorum", "--yes", "--accept", "quorum-loss")
    print(f"recovered in {time.monotonic() - began:.0f} s")
    kept = consul(five).kv.get("test/kept")
    assert kept is not None
    assert kept.value == b"yes"
    wait_for(lambda: running(five) == 2, what="the job runs", deadline=DEADLINE, interval=0.5)
    assert newest(five, "recover-quorum", five.sandbox.name).accepted == ("quorum-loss",)
    assert left in settled(five, count=3, healthy=False)
    assert not servers(five) & set(lost)
    print(f"three servers again after {time.monotonic() - began:.0f} s")


def settled(lab: Lab, *, count: int = 3, healthy: bool = True) -> set[str]:
    """Wait until nothing is under way and who votes is who should; the names of the servers."""

    def at_rest() -> set[str] | None:
        try:
            wished = servers(lab)
            if ConsulStore(consul(lab)).unfinished() or len(wished) != count:
                return None
            good = voters(lab) == wished and (lab.healthy() or not healthy)
            return wished if good else None
        except BobError:
            return None

    return wait_for(at_rest, what=f"{count} servers at rest", deadline=DEADLINE, interval=2)


def records(lab: Lab) -> ClusterRecords:
    return ClusterRecords(consul(lab))


def names(lab: Lab) -> list[str]:
    return [node.name for node in lab.sandbox.nodes]


def servers(lab: Lab) -> set[str]:
    return {name for name, wish in records(lab).nodes().items() if wish.role == SERVER}


def voters(lab: Lab) -> set[str]:
    """Who votes everywhere; the union when the rafts do not agree yet."""
    rafts = [consul(lab, net).operator.raft() for net in NetworkName] + [nomad(lab).operator.raft()]
    return set().union(*(raft.voters for raft in rafts))


def healthy(lab: Lab) -> set[str]:
    """Voters that autopilot finds healthy in every raft; empty when one cannot be asked."""
    try:
        judged = judgements(lab)
    except BobError:
        return set()
    good = [{s.name for s in one.servers if s.healthy and s.voter} for one in judged]
    return set.intersection(*good)


def running(lab: Lab) -> int:
    try:
        return sum(one.running for one in nomad(lab).state.allocations("sleeper"))
    except BobError:
        return 0


def newest(lab: Lab, kind: str, target: str) -> Operation:
    made = ConsulStore(consul(lab)).list()
    return [one for one in made if (one.kind, one.target) == (kind, target)][-1]
