"""What must hold between the values of an inventory: each law is a pure function over the facts.

A law yields a `Finding` for every place where it is broken. A file that breaks one cannot be used;
what only deserves a word is in `cautions`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import combinations

from inventory.document import Place
from inventory.facts import Facts
from inventory.model import SINGLE_SERVER, NetworkName


@dataclass(frozen=True)
class Finding:
    """A place where a law is broken; `first` is the other place it is in conflict with."""

    place: Place
    message: str
    first: Place | None = None


Law = Callable[[Facts], Iterator[Finding]]


def mgmt_is_declared(facts: Facts) -> Iterator[Finding]:
    """Catalog, KV and DNS live on mgmt."""
    if facts.declared is not None and NetworkName.MGMT not in facts.declared:
        yield Finding(("networks",), "the network mgmt is required")


def ranges_are_disjoint(facts: Facts) -> Iterator[Finding]:
    """An address belongs to one network."""
    for (one, left), (other, right) in combinations(facts.ranges.items(), 2):
        if left.overlaps(right):
            yield Finding(
                ("networks", other, "cidr"),
                f"{right} overlaps {left} of {one}",
                ("networks", one, "cidr"),
            )


def names_are_unique(facts: Facts) -> Iterator[Finding]:
    """A name means one node."""
    names = (((*node.place, "name"), node.name) for node in facts.nodes if node.name)
    return _repeated(names, "name")


def addresses_are_unique(facts: Facts) -> Iterator[Finding]:
    """An address means one interface or one BMC, over all networks."""
    return _repeated(_all_addresses(facts), "address")


def addresses_lie_in_their_network(facts: Facts) -> Iterator[Finding]:
    """A node reaches its peers without a router, so its address is a host address of the range."""
    for node in facts.nodes:
        for name, address in node.addresses.items():
            cidr = facts.ranges.get(name)
            place = (*node.place, "addresses", name)
            if cidr is not None and address not in cidr:
                yield Finding(place, f"{address} is not in {cidr} of the network {name}")
    for place, address in _all_addresses(facts):
        for cidr in facts.ranges.values():
            if address == cidr.network_address:
                yield Finding(place, f"{address} is the address of the network {cidr} itself")
            elif address == cidr.broadcast_address:
                yield Finding(place, f"{address} is the broadcast address of {cidr}")


def nodes_are_on_every_network(facts: Facts) -> Iterator[Finding]:
    """Each node has an address on each declared network, and on no other."""
    for node in facts.nodes:
        if node.named is None or facts.declared is None:
            continue
        for name in NetworkName:
            if name in facts.declared and name not in node.named:
                yield Finding((*node.place, "addresses"), f"no address on the network {name}")
            elif name in node.named and name not in facts.declared:
                place = (*node.place, "addresses", name)
                yield Finding(place, f"the network {name} is not declared under networks")


def one_server_needs_the_word(facts: Facts) -> Iterator[Finding]:
    """A quorum of one is lost with its host; nobody gets that by accident."""
    if facts.servers == 1 and not facts.single_server:
        yield Finding(
            ("servers",),
            "one server has no redundancy: the loss of its host stops the cluster and its data are"
            f" gone; use 3, or accept that with `single_server: {SINGLE_SERVER}`",
        )


def nodes_suffice_for_servers(facts: Facts) -> Iterator[Finding]:
    """Every server is a node of its own."""
    count = facts.wanted_servers()
    if 0 < len(facts.nodes) < count:
        place: Place = ("nodes",) if facts.servers is None else ("servers",)
        yield Finding(place, f"{count} servers need {count} nodes, there are {len(facts.nodes)}")


def servers_are_spread(facts: Facts) -> Iterator[Finding]:
    """With three zones or more no zone may hold a majority of the servers."""
    if (zone := facts.zone_with_majority()) and len(facts.zones()) > 2:
        yield Finding(
            ("servers",),
            f"the zone {zone} would hold a majority of the {facts.wanted_servers()} servers, and"
            " its loss would stop the cluster: the other zones have too few nodes. Use 3 servers,"
            " or add nodes to other zones",
        )


def bmc_has_one_password(facts: Facts) -> Iterator[Finding]:
    """Exactly one of password_file, password_env, password."""
    for node in facts.nodes:
        if node.bmc is None or len(node.bmc.passwords) == 1:
            continue
        if node.bmc.passwords:
            first, *others = node.bmc.passwords
            for kind in others:
                yield Finding(
                    (*node.bmc.place, kind),
                    f"{first} is given too; keep one of them",
                    (*node.bmc.place, first),
                )
        else:
            yield Finding(node.bmc.place, "no password; add password_file or password_env")


LAWS: tuple[Law, ...] = (
    mgmt_is_declared,
    ranges_are_disjoint,
    names_are_unique,
    addresses_are_unique,
    addresses_lie_in_their_network,
    nodes_are_on_every_network,
    one_server_needs_the_word,
    nodes_suffice_for_servers,
    servers_are_spread,
    bmc_has_one_password,
)


def judge(facts: Facts, laws: Iterable[Law]) -> list[Finding]:
    """Everything these laws find."""
    return [finding for law in laws for finding in law(facts)]


def _repeated(values: Iterable[tuple[Place, Hashable]], what: str) -> Iterator[Finding]:
    first: dict[Hashable, Place] = {}
    for place, value in values:
        if first.setdefault(value, place) != place:
            yield Finding(place, f"the {what} {value} is used twice", first[value])


def _all_addresses(facts: Facts) -> Iterator[tuple[Place, IPv4Address]]:
    for node in facts.nodes:
        for name, address in node.addresses.items():
            yield (*node.place, "addresses", name), address
        if node.bmc and node.bmc.address:
            yield (*node.bmc.place, "address"), node.bmc.address
