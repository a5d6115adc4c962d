"""Every rule about a node, as a table: what was seen, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from health_facts import (
    GIB,
    echoes,
    nic,
    node,
    space,
    with_nic,
    with_pool,
)

from bob.clients.consul import MemberStatus
from healthcheck.findings import Finding, Level
from healthcheck.node.decide import decide
from healthcheck.node.facts import Clock, Disk, Leg, Memory, Mount, NodeFacts, Pool, Unit

FAILED, LEFT = MemberStatus.FAILED, MemberStatus.LEFT
CRITICAL, WARNING, NOTE = Level.CRITICAL, Level.WARNING, Level.NOTE


def told(facts: NodeFacts) -> list[Finding]:
    """What is not simply well."""
    return [finding for finding in decide(facts) if finding.level is not Level.OK]


def test_a_healthy_node_has_nothing_to_complain_of() -> None:
    assert told(node()) == []
    assert {finding.subject for finding in decide(node())} == {
        "mgmt", "storage", "tenant", "/", "disk sda", "memory", "clock", "consul-mgmt", "nomad",
    }  # fmt: skip


def test_nothing_seen_yet_is_nothing_said() -> None:
    assert decide(NodeFacts("n1", {"mgmt": "10.0.0.1"})) == ()


@pytest.mark.parametrize(
    ("facts", "level", "subject", "what", "cure"),
    [
        (with_nic("storage", None), CRITICAL, "storage", "no NIC has the address", "Give it back"),
        (with_nic("storage", nic(on=False)), CRITICAL, "storage", "eth1 is switched off",
         "ip link set eth1 up"),
        (with_nic("storage", nic(carrier=False)), CRITICAL, "storage", "eth1 has no link",
         "cable of eth1"),
        (with_nic("tenant", nic("bond0", legs=(Leg("eth2", True), Leg("eth3", False)))), WARNING,
         "tenant", "bond0 runs on 1 of 2 NICs: eth3 has no link", "cable of eth3"),
        (replace(node(), recent={("link", "mgmt"): 6}), WARNING, "mgmt",
         "the link of eth0 comes and goes", "Replace the cable of eth0"),
        (with_pool("storage", error="connection refused"), CRITICAL, "storage",
         "the Consul agent of this node does not answer", "systemctl status consul-storage"),
        (with_pool("storage", "n2", "n3", "n4", n2=FAILED, n3=FAILED, n4=FAILED), CRITICAL,
         "storage", "none of 3 neighbours can be reached", "port of the switch"),
        (with_pool("storage", "n3", n3=FAILED), WARNING, "storage", "n3: not reached", "BMC"),
        (with_pool("storage", n3=FAILED), WARNING, "storage",
         "n3: the host answers, its Consul agent is gone", "systemctl status consul-storage"),
        (with_pool("storage", "n3"), WARNING, "storage",
         "n3: gossip sees it, but no answer comes to us", "MTU of storage"),
        (node(spaces=(space(hangs=True, mount=Mount("/nfs", "nfs4")),)), CRITICAL, "/nfs",
         "does not answer (nfs4)", "umount -f -l /nfs"),
        (node(spaces=(space(mount=Mount("/", "ext4", readonly=True)),)), CRITICAL, "/",
         "can only be read", "dmesg"),
        (node(spaces=(space(free=3 * GIB),)), CRITICAL, "/", "is full", "Make room"),
        (node(spaces=(space(free=10 * GIB),)), WARNING, "/", "is nearly full", "Make room"),
        (node(spaces=(space(inodes_free=10_000),)), CRITICAL, "/", "has no inodes left", "small"),
        (node(spaces=(space(inodes_free=90_000),)), WARNING, "/", "has few inodes left", "small"),
        (node(disks=(Disk("sda", False),)), CRITICAL, "disk sda", "says that it fails",
         "smartctl -a /dev/sda"),
        (node(disks=(Disk("nvme0n1", True, "worn out"),)), WARNING, "disk nvme0n1", "worn out",
         "replace it"),
        (node(memory=Memory(16 * GIB, GIB, 0)), WARNING, "memory", "less than 10% is free", "ps "),
        (node(memory=Memory(16 * GIB, GIB // 2, 0)), CRITICAL, "memory", "less than 10% is free",
         "ps "),
        (node(recent={("killed", ""): 1}), WARNING, "memory", "the kernel has killed processes",
         "journalctl -k"),
        (node(echoes=echoes(ahead=-0.7)), WARNING, "clock",
         "differs from most neighbours by part of a second", "timedatectl"),
        (node(echoes=echoes(ahead=30.0)), CRITICAL, "clock",
         "differs from most neighbours by seconds", "timedatectl"),
        (node(clock=Clock(False, 16.0)), NOTE, "clock", "no time service keeps it", "chrony"),
        (node(units=(Unit("nomad", "failed", 0, "exit-code"),)), CRITICAL, "nomad",
         "does not run: failed (exit-code)", "journalctl -u nomad"),
        (node(units=(Unit("nomad", "", 0),)), CRITICAL, "nomad", "does not run: unknown",
         "systemctl restart nomad"),
        (node(units=(Unit("nomad", "activating", 0),)), WARNING, "nomad", "is not ready yet",
         "journalctl"),
        (node(recent={("restarts", "nomad"): 3}), WARNING, "nomad", "starts again and again",
         "journalctl"),
        (node(missing={"units": "systemctl does not come back"}), WARNING, "units",
         "cannot be looked at: systemctl does not come back", "journalctl"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_once_with_a_cure(
    facts: NodeFacts, level: Level, subject: str, what: str, cure: str
) -> None:
    (finding,) = told(facts)
    assert (finding.level, finding.subject) == (level, subject)
    assert finding.what.startswith(what)
    assert cure in finding.cure


@pytest.mark.parametrize(
    "facts",
    [
        with_pool("storage", "n3", n3=LEFT),  # it left in order: nobody expects an answer
        node(echoes=echoes(*((net, "n3") for net in ("mgmt", "storage", "tenant")))),  # no daemon
        node(spaces=(space(size=4000 * GIB, free=100 * GIB),)),  # 2.5 % of much is a lot
        node(spaces=(space(mount=Mount("/iso", "ext4", readonly=True, wants_readonly=True)),)),
        node(spaces=(space(size=0, free=0, inodes=0, inodes_free=0),)),  # just unmounted
        node(disks=(Disk("vda", None),)),  # a virtual disk says nothing
        node(recent={("link", "mgmt"): 5, ("restarts", "nomad"): 2}),
        node(echoes=echoes(ahead=0.4)),
        node(echoes={}, clock=None),
    ],
)
def test_what_is_in_order_is_not_complained_of(facts: NodeFacts) -> None:
    assert told(facts) == []


STALE = {who: replace(echo, fresh=who != ("storage", "n3")) for who, echo in echoes().items()}


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (node(echoes=STALE), []),  # gossip sees it: one late answer is no news
        (replace(with_pool("storage", n3=FAILED), echoes=STALE), ["n3: not reached"]),
    ],
)
def test_a_late_answer_counts_only_together_with_gossip(facts: NodeFacts, what: list[str]) -> None:
    assert [finding.what for finding in told(facts)] == what


def test_one_neighbour_with_a_wrong_clock_is_its_own_problem() -> None:
    found = echoes() | {
        who: replace(echo, ahead=60.0) for who, echo in echoes().items() if who[1] == "n2"
    }
    assert told(node(echoes=found)) == []


def test_of_two_clocks_none_is_called_far_wrong() -> None:
    pair = {who: echo for who, echo in echoes(ahead=60.0).items() if who[1] == "n2"}
    (finding,) = told(node(echoes=pair))
    assert finding.level is WARNING and "its only neighbour" in finding.what


def test_a_slow_echo_measures_no_clock() -> None:
    slow = {who: replace(echo, took=3.0, ahead=60.0) for who, echo in echoes().items()}
    assert told(node(echoes=slow)) == []


def test_many_neighbours_are_counted_not_listed() -> None:
    extra = tuple(f"m{number}" for number in range(8))
    pool = Pool((*with_pool("storage", **dict.fromkeys(extra, FAILED)).pools["storage"].members,))  # type: ignore[index]
    facts = node()
    facts = replace(facts, pools={**(facts.pools or {}), "storage": pool})
    (finding,) = told(facts)
    assert finding.what == "m0, m1, m2, m3, m4 and 3 more: not reached"
