"""Rules about this node's NICs and its neighbours on each network. Pure.

The widest cause is told alone: without a link nobody answers, and that needs no line for each
neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator

from bob.clients.consul import Member, MemberStatus
from healthcheck.findings import Finding, Level, ok
from healthcheck.node.facts import Nic, NodeFacts

FLAPS = 6  # changes in ten minutes: a cable that was pulled once, or a switch that booted, makes 2
FEW = 5  # neighbours that are named; of more the number says enough
GONE = (MemberStatus.FAILED, MemberStatus.NONE)


def judge(facts: NodeFacts) -> Iterator[Finding]:
    """Every network of this node, at least one finding for each that was looked at."""
    for network in facts.addresses:
        if facts.nics is not None and network in facts.nics:
            broken = list(_link(facts, network, facts.nics[network]))
            yield from broken
            if any(finding.level is Level.CRITICAL for finding in broken):
                continue
        if facts.pools is not None and network in facts.pools:
            yield from _agent(facts, network)
            yield from _neighbours(facts, network)


def _link(facts: NodeFacts, network: str, nic: Nic | None) -> Iterator[Finding]:
    address = facts.addresses[network]
    if nic is None:
        yield Finding(
            Level.CRITICAL, network, f"no NIC has the address {address}",
            f"Give it back to the NIC of {network} (ip address show); was the NIC replaced?",
        )  # fmt: skip
    elif not nic.on:
        yield Finding(
            Level.CRITICAL, network, f"{nic.name} is switched off", f"ip link set {nic.name} up"
        )
    elif not nic.carrier:
        yield Finding(
            Level.CRITICAL, network, f"{nic.name} has no link",
            f"Check the cable of {nic.name} and the port of its switch.",
        )  # fmt: skip
    else:
        if dead := [leg.name for leg in nic.legs if not leg.carrier]:
            yield Finding(
                Level.WARNING, network,
                f"{nic.name} runs on {len(nic.legs) - len(dead)} of {len(nic.legs)} NICs: "
                f"{', '.join(dead)} has no link",
                f"Check the cable of {dead[0]} and the port of its switch.",
            )  # fmt: skip
        if facts.recent.get(("link", network), 0) >= FLAPS:
            yield Finding(
                Level.WARNING, network, f"the link of {nic.name} comes and goes",
                f"Replace the cable of {nic.name}, then try another port of the switch.",
            )  # fmt: skip


def _agent(facts: NodeFacts, network: str) -> Iterator[Finding]:
    if facts.pools and facts.pools[network].error:
        unit = f"consul-{network}"
        yield Finding(
            Level.CRITICAL, network, "the Consul agent of this node does not answer",
            f"systemctl status {unit}; journalctl -u {unit}",
        )  # fmt: skip


def _neighbours(facts: NodeFacts, network: str) -> Iterator[Finding]:
    others = neighbours(facts, network)
    if not others or facts.echoes is None:
        yield ok(network, f"{_nic_name(facts, network)} is up")
        return
    echoes = {name: echo for (where, name), echo in facts.echoes.items() if where == network}
    heard = [other for other in others if other.name in echoes and echoes[other.name].fresh]
    failed = [other for other in others if other.status in GONE]
    if not heard and len(failed) == len(others):
        yield Finding(
            Level.CRITICAL, network, f"none of {_count(len(others))} can be reached",
            f"{_nic_name(facts, network)} has a link: check its port of the switch (VLAN, "
            "filters), then whether the others are there.",
        )  # fmt: skip
        return
    agents = [o.name for o in failed if o in heard]
    silent = [o.name for o in failed if o not in heard]
    # One late answer is no news while gossip sees the neighbour: a busy host takes its time.
    deaf = [o.name for o in others if o not in failed and o.name not in echoes and _heard(facts, o)]
    if silent:
        yield Finding(
            Level.WARNING, network, f"{_names(silent)}: not reached",
            f"Is the host up (BMC)? If it is: its NIC and switch port of {network}.",
        )  # fmt: skip
    if agents:
        yield Finding(
            Level.WARNING, network, f"{_names(agents)}: the host answers, its Consul agent is gone",
            f"There: systemctl status consul-{network}",
        )  # fmt: skip
    if deaf:
        yield Finding(
            Level.WARNING, network, f"{_names(deaf)}: gossip sees it, but no answer comes to us",
            f"Packets get lost on the way: filters, the switch, the MTU of {network}.",
        )  # fmt: skip
    if not (silent or agents or deaf):
        name = _nic_name(facts, network)
        yield ok(network, f"{name} is up, {_count(len(others))} reached")


def neighbours(facts: NodeFacts, network: str) -> tuple[Member, ...]:
    """The members that should be there; one that has left in order is none."""
    pool = (facts.pools or {}).get(network)
    return tuple(
        member
        for member in (pool.members if pool else ())
        if member.name != facts.node
        and member.status not in (MemberStatus.LEFT, MemberStatus.LEAVING)
    )


def _heard(facts: NodeFacts, other: Member) -> bool:
    """On any network: then its side of the question works, and this network is to blame."""
    return any(name == other.name for _, name in facts.echoes or ())


def _nic_name(facts: NodeFacts, network: str) -> str:
    nic = (facts.nics or {}).get(network)
    return nic.name if nic else f"the NIC of {network}"


def _names(names: list[str]) -> str:
    if len(names) <= FEW:
        return ", ".join(names)
    return f"{', '.join(names[:FEW])} and {len(names) - FEW} more"


def _count(others: int) -> str:
    return "1 neighbour" if others == 1 else f"{others} neighbours"
