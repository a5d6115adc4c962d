"""The kinds of values in an inventory: each checks one value and says in plain words what is wrong.

They are annotated types, so the models, the laws and the JSON Schema share one definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationInfo

LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
LONGEST_SUFFIX = len("-storage")  # a Consul datacenter is called <cluster>-<network>
CLUSTER_LABEL = rf"^[a-z0-9]([a-z0-9-]{{0,{61 - LONGEST_SUFFIX}}}[a-z0-9])?$"
SHORTEST_PREFIX, LONGEST_PREFIX = 8, 30  # a longer one leaves no two host addresses
SHA256 = r"^[0-9a-f]{64}$"
VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.]+)?$"
URL = r"^https?://[^\s/]+(/\S*)?$"
REGISTRY = r"^(https?://)?[A-Za-z0-9.-]+(:[0-9]+)?$"

Key = TypeVar("Key")
Value = TypeVar("Value", covariant=True)


class FrozenMapping(Mapping[Key, Value]):
    """A mapping that cannot change and can be hashed, copied and pickled, so that models can."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[Key, Value]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: Key) -> Value:
        return self._items[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)


def _matching(pattern: str, rule: str) -> tuple[AfterValidator, Any]:
    """A validator and the same rule for the JSON Schema."""
    compiled = re.compile(pattern.removesuffix("$") + r"\Z")

    def check(value: str) -> str:
        if not compiled.match(value):
            raise ValueError(f"{value!r} is not {rule}")
        return value

    return AfterValidator(check), Field(json_schema_extra={"pattern": pattern})


def _text(value: object) -> object:
    """Addresses are written as text: a number would silently become another address."""
    if not isinstance(value, str | IPv4Address | IPv4Network):
        raise ValueError(f"{value!r} is not an address; write it like 10.0.0.1")
    return value


def _network(value: object) -> object:
    if not isinstance(value, str):
        return _text(value)
    try:
        network = IPv4Network(value, strict=False)
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IPv4 range; write it like 10.0.0.0/24") from error
    if "/" not in value:
        raise ValueError(
            f"{value!r} has no prefix length; write it like {network.network_address}/24"
        )
    if str(network.network_address) != value.split("/")[0]:
        raise ValueError(f"{value!r} has bits set after the prefix; did you mean {network}?")
    if not SHORTEST_PREFIX <= network.prefixlen <= LONGEST_PREFIX:
        raise ValueError(f"{value!r}: the prefix must be /{SHORTEST_PREFIX} to /{LONGEST_PREFIX}")
    if network.is_loopback or network.is_multicast or network.is_reserved:
        raise ValueError(f"{value!r} is not a range that hosts can use (loopback, multicast, ...)")
    return network


def _number(value: object) -> object:
    """`yes` is not 1."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a number")
    return value


def _address(value: object) -> object:
    try:
        return IPv4Address(value) if isinstance(value, str) else _text(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IPv4 address; write it like 10.0.0.1") from error


def not_empty(value: object) -> object:
    """Unlike a minimal length it does not count the items that are wrong as absent."""
    if value in ([], ()):
        raise ValueError("must not be empty")
    return value


def _path(value: object, info: ValidationInfo) -> object:
    """Relative paths count from the folder of the inventory file, `~` from the home of the user."""
    if not isinstance(value, str | Path):
        return value
    if not str(value).strip():
        raise ValueError("an empty path")
    folder = (info.context or {}).get("folder", Path())
    try:
        return str(Path(folder) / Path(value).expanduser())  # text: JSON knows no paths
    except RuntimeError as error:  # ~user without such a user
        raise ValueError(f"{value}: {error}") from error


_check_label, _label_schema = _matching(
    LABEL, "a DNS label: at most 63 of a-z, 0-9 and -, not - at either end"
)
_check_cluster, _cluster_schema = _matching(
    CLUSTER_LABEL,
    f"a DNS label of at most {63 - LONGEST_SUFFIX} of a-z, 0-9 and -, not - at either end"
    " (<name>-storage must be a label too)",
)
_check_sha256, _sha256_schema = _matching(SHA256, "a SHA-256: 64 of 0-9 and a-f")
_check_version, _version_schema = _matching(VERSION, "a version like 1.22.3")
_check_url, _url_schema = _matching(URL, "an http or https address")
_check_registry, _registry_schema = _matching(
    REGISTRY, "a registry: write host:port, or https://host:port for one with TLS"
)

Label = Annotated[str, _check_label, _label_schema]
ClusterLabel = Annotated[str, _check_cluster, _cluster_schema]
Sha256 = Annotated[str, _check_sha256, _sha256_schema]
Version = Annotated[str, _check_version, _version_schema]
Url = Annotated[str, _check_url, _url_schema]
Registry = Annotated[str, _check_registry, _registry_schema]
Address = Annotated[IPv4Address, BeforeValidator(_address)]
Cidr = Annotated[IPv4Network, BeforeValidator(_network)]
FilePath = Annotated[Path, BeforeValidator(_path)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Servers = Annotated[Literal[1, 3, 5], BeforeValidator(_number)]
FrozenMap = Annotated[Mapping[Key, Value], AfterValidator(FrozenMapping), PlainSerializer(dict)]
