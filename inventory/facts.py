"""What the laws look at: every value of the file that is sound by itself, with its place.

A value that is not sound is left out here (the models have said why), so one wrong address does not
hide what is wrong elsewhere. This is also the only part of the check that looks at other files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from inventory.document import Document, Place
from inventory.model import DEFAULT_ZONE, FIVE_SERVERS_FROM, SINGLE_SERVER, NetworkName
from inventory.placement import majority_zone, server_count
from inventory.values import Address, Cidr, FilePath, Label, Servers

PASSWORD_KINDS = ("password_file", "password_env", "password")


@dataclass(frozen=True)
class FileFact:
    """A file the inventory refers to. `mode` is None when it is not there."""

    place: Place
    path: Path
    mode: int | None
    secret: bool


@dataclass(frozen=True)
class BmcFact:
    """The BMC of a node; `passwords` are the kinds of password that are given."""

    place: Place
    address: IPv4Address | None
    passwords: tuple[str, ...]


@dataclass(frozen=True)
class NodeFact:
    """A node. `named` are the networks it mentions, `addresses` those with a sound address."""

    place: Place
    name: str | None
    zone: str | None
    has_zone: bool
    named: frozenset[str] | None
    addresses: dict[NetworkName, IPv4Address]
    bmc: BmcFact | None


@dataclass(frozen=True)
class Facts:
    """The file as far as it is sound. None stands for a part that is not."""

    declared: frozenset[str] | None
    ranges: dict[NetworkName, IPv4Network]
    nodes: tuple[NodeFact, ...]
    servers: int | None
    five_servers_from: int
    single_server: bool
    files: tuple[FileFact, ...]

    def zones(self) -> set[str]:
        """The zones that are known."""
        return {node.zone for node in self.nodes if node.zone is not None}

    def wanted_servers(self) -> int:
        """The number of servers; a zone that is not sound counts as one of its own."""
        zones = [node.zone or "" for node in self.nodes]
        return server_count(zones, self.servers, self.five_servers_from)

    def zone_with_majority(self) -> str | None:
        """The zone whose loss stops the cluster; None while zones or nodes are missing."""
        zones = [node.zone for node in self.nodes if node.zone is not None]
        count = self.wanted_servers()
        if count == 1 or len(zones) < max(count, len(self.nodes)):
            return None
        return majority_zone(zones, count)


def gather(document: Document) -> Facts:
    """Take the facts from a file. Never fails on content."""
    top = _mapping(document.data)
    networks = top.get("networks")
    folder = document.file.absolute().parent
    nodes = tuple(_node(i, _mapping(node)) for i, node in enumerate(_list(top.get("nodes"))))
    return Facts(
        declared=frozenset(networks) if isinstance(networks, dict) else None,
        ranges={
            name: cidr
            for name in NetworkName
            if (cidr := _sound(Cidr, _mapping(_mapping(networks).get(name)).get("cidr")))
        },
        nodes=nodes,
        servers=_sound(Servers, top.get("servers")),
        five_servers_from=_sound(int, top.get("five_servers_from")) or FIVE_SERVERS_FROM,
        single_server=top.get("single_server") == SINGLE_SERVER,
        files=tuple(_files(top, folder)),
    )


def _node(position: int, node: dict[str, Any]) -> NodeFact:
    place: Place = ("nodes", position)
    addresses = node.get("addresses")
    return NodeFact(
        place=place,
        name=_sound(Label, node.get("name")),
        zone=_sound(Label, node.get("zone", DEFAULT_ZONE)),
        has_zone="zone" in node,
        named=frozenset(addresses) if isinstance(addresses, dict) else None,
        addresses={
            name: address
            for name in NetworkName
            if (address := _sound(Address, _mapping(addresses).get(name)))
        },
        bmc=_bmc((*place, "bmc"), node.get("bmc")),
    )


def _bmc(place: Place, bmc: Any) -> BmcFact | None:
    if not isinstance(bmc, dict):
        return None
    given = tuple(kind for kind in PASSWORD_KINDS if bmc.get(kind) is not None)
    return BmcFact(place, _sound(Address, bmc.get("address")), given)


def _files(top: dict[str, Any], folder: Path) -> list[FileFact]:
    candidates: list[tuple[Place, Any, bool]] = [
        (("ssh", "key"), _mapping(top.get("ssh")).get("key"), True),
        (("toolchain", "path"), _mapping(top.get("toolchain")).get("path"), False),
    ]
    for i, node in enumerate(_list(top.get("nodes"))):
        bmc = _mapping(_mapping(node).get("bmc"))
        candidates.append((("nodes", i, "bmc", "password_file"), bmc.get("password_file"), True))
    facts = []
    for place, value, secret in candidates:
        path = _sound(FilePath, value, folder) if value is not None else None
        if path is not None:
            facts.append(FileFact(place, path, _mode(path), secret))
    return facts


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _sound(kind: Any, value: Any, folder: Path | None = None) -> Any:
    try:
        return _adapter(kind).validate_python(value, context={"folder": folder})
    except ValidationError:
        return None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
