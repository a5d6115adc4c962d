"""What the daemon has to know before it asks anybody: written with the node, read at its start.

It is plain JSON and read without the library for models, which would double this daemon's memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from bob.errors import Permanent
from bob.provision.private_files import read_private

CURE = "Write it again with bob init on the operator's machine."


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """This node on one network: its address, and the port of its Consul agent on the loopback.

    `https_port` is that of the servers' agents of this network, on their mgmt addresses.
    """

    name: str
    address: str
    http_port: int
    https_port: int = 0


@dataclass(frozen=True)
class HealthConfig:
    """`units` are those of Bob's own that must run here; `watches_cluster` on servers only."""

    cluster: str
    node: str
    token: str = field(repr=False)
    networks: tuple[OwnNetwork, ...]
    units: tuple[str, ...]
    echo_port: int
    metrics_port: int
    watches_cluster: bool
    consul_ca: str
    nomad: str
    """Address of the Nomad agent of this node."""
    nomad_ca: str

    @classmethod
    def load(cls, path: Path) -> HealthConfig:
        """Read it. Raises `Permanent`, or `Exposed` when others may read the file."""
        content = read_private(path)
        if content is None:
            raise Permanent(f"there is no {path}", cure=CURE)
        try:
            return _parse(json.loads(content))
        except _Wrong as wrong:
            raise Permanent(f"{path} is damaged (at {wrong})", cure=CURE) from None
        except ValueError:
            raise Permanent(f"{path} is damaged (it is not JSON)", cure=CURE) from None


class _Wrong(Exception):
    """The key that is missing or holds something else; never its value."""


def _parse(document: object) -> HealthConfig:
    if not isinstance(document, dict):
        raise _Wrong("its start")
    if unknown := sorted(set(document) - set(HealthConfig.__dataclass_fields__)):
        raise _Wrong(unknown[0])
    return HealthConfig(
        cluster=_typed(document, "cluster", str),
        node=_typed(document, "node", str),
        token=_typed(document, "token", str),
        networks=tuple(_network(name, body) for name, body in _typed(document, "networks").items()),
        units=tuple(_names(document, "units")),
        echo_port=_typed(document, "echo_port", int),
        metrics_port=_typed(document, "metrics_port", int),
        watches_cluster=_typed(document, "watches_cluster", bool),
        consul_ca=_typed(document, "consul_ca", str),
        nomad=_typed(document, "nomad", str),
        nomad_ca=_typed(document, "nomad_ca", str),
    )


def _network(name: str, body: object) -> OwnNetwork:
    where = f"networks.{name}"
    if not isinstance(body, dict):
        raise _Wrong(where)
    try:
        address = str(IPv4Address(_typed(body, "address", str, where)))
    except ValueError:
        raise _Wrong(f"{where}.address") from None
    ports = (_typed(body, port, int, where) for port in ("http_port", "https_port"))
    return OwnNetwork(name, address, *ports)


def _names(document: Mapping[str, Any], key: str) -> Sequence[str]:
    found = _typed(document, key, list)
    if not all(isinstance(one, str) for one in found):
        raise _Wrong(key)
    return list(found)


def _typed(document: Mapping[str, Any], key: str, kind: type = dict, where: str = "") -> Any:
    value = document.get(key)
    if type(value) is not kind:
        raise _Wrong(f"{where}.{key}" if where else key)
    return value
