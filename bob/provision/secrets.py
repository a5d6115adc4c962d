"""The cluster's random secrets: made once, kept in one private file, never made twice.

A cluster that already runs knows its secrets, so a value that exists never changes here; values
are only added, for nodes and networks that are new. Values are `SecretStr`: a `repr`, a log line
or a traceback shows asterisks.
"""

from __future__ import annotations

import base64
import json
import secrets as random
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bob.errors import BobError
from bob.provision import ssh_keys
from bob.provision.private_files import locked, read_private, write_private
from inventory.model import Cluster, NetworkName
from inventory.values import FrozenMap, FrozenMapping

SCHEMA = "bob/secrets/1"
GOSSIP_KEY_BYTES = 32  # AES-256, the longest key that Consul and Nomad take
ROBOT_FIELDS = ("bob_agents", "robot", "requests", "ssh_key")  # older files lack them

Key = TypeVar("Key")
Secret = Annotated[SecretStr, Field(min_length=1)]


class SecretsUnusable(BobError):
    """The file with the cluster's secrets cannot be used."""


class Secrets(BaseModel):
    """All random secrets of one cluster. Tokens are UUIDs, gossip keys 32 bytes in base64."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    cluster: str
    generation: int = 0
    """How often the tokens were replaced: part of their accessor ids."""
    consul_gossip: FrozenMap[NetworkName, Secret]
    """Gossip key of each network."""
    nomad_gossip: Secret
    """Gossip key of the Nomad servers."""
    consul_management: FrozenMap[NetworkName, Secret]
    """Consul token that may do everything, one per datacenter."""
    nomad_management: Secret
    """Nomad token that may do everything."""
    consul_agents: FrozenMap[str, FrozenMap[NetworkName, Secret]]
    """Token of each Consul agent: by node, then by network."""
    nomad_agents: FrozenMap[str, Secret]
    """Consul token of each node's Nomad agent."""
    dns: Secret
    """Consul token with which the mgmt agents answer DNS."""
    operator: Secret
    """Consul token with which people look and the command line asks; valid on every network."""
    bob_agents: FrozenMap[str, Secret]
    """Consul token of each node's bob-agent, for its own tasks and facts (mgmt only)."""
    healthchecks: FrozenMap[str, Secret] = FrozenMapping({})
    """Consul token of each node's healthcheck, valid on every network."""
    robot: FrozenMap[NetworkName, Secret]
    """Consul token of the robot, which may do everything, one per datacenter."""
    requests: Secret
    """Consul token with which the command line records what an operator wishes (mgmt only)."""
    ssh_key: Secret
    """Private key (OpenSSH text) with which the robot brings bare hosts in."""


def load_or_create(path: Path, cluster: Cluster) -> Secrets:
    """Read the secrets, add those that are missing for this cluster, and return all.

    Safe against a crash (the file is replaced whole) and against a second process (a lock beside
    it). Raises `SecretsUnusable` when the file is damaged or of another cluster, `Exposed` when
    others may read it.
    """
    with locked(path.parent):
        content = _content(path)
        existing = None
        if content is not None:
            existing = _of_cluster(_validated(_upgraded(content), str(path)), path, cluster.name)
        wanted = complete(existing, cluster)
        new = dump(wanted)
        if json.loads(new) != content:
            write_private(path, new)
        return wanted


def load(path: Path, cluster_name: str) -> Secrets:
    """Read the secrets of a cluster that was initialised. Raises `SecretsUnusable`, `Exposed`."""
    content = _content(path)
    if content is None:
        raise SecretsUnusable(
            f"there is no {path}", cure="put back a copy of it from the machine that ran bob init"
        )
    if "operator" in content and (missing := [n for n in ROBOT_FIELDS if n not in content]):
        raise SecretsUnusable(
            f"{path} was written by an older version of bob: it lacks {', '.join(missing)}",
            cure="run bob init with the same inventory; it adds what is missing",
        )
    return _of_cluster(_validated(content, str(path)), path, cluster_name)


def complete(existing: Secrets | None, cluster: Cluster) -> Secrets:
    """The secrets that `cluster` needs: existing ones as they are, missing ones new."""
    networks = cluster.network_names()
    names = [node.name for node in cluster.nodes]
    agents = dict(existing.consul_agents) if existing else {}
    for name in names:
        agents[name] = _extended(agents.get(name), networks, new_token)
    return Secrets(
        cluster=cluster.name,
        generation=existing.generation if existing else 0,
        consul_gossip=_extended(
            existing.consul_gossip if existing else None, networks, new_gossip_key
        ),
        nomad_gossip=existing.nomad_gossip if existing else new_gossip_key(),
        consul_management=_extended(
            existing.consul_management if existing else None, networks, new_token
        ),
        nomad_management=existing.nomad_management if existing else new_token(),
        consul_agents=agents,
        nomad_agents=_extended(existing.nomad_agents if existing else None, names, new_token),
        dns=existing.dns if existing else new_token(),
        operator=existing.operator if existing else new_token(),
        bob_agents=_extended(existing.bob_agents if existing else None, names, new_token),
        healthchecks=_extended(existing.healthchecks if existing else None, names, new_token),
        robot=_extended(existing.robot if existing else None, networks, new_token),
        requests=existing.requests if existing else new_token(),
        ssh_key=existing.ssh_key if existing else ssh_keys.make(),
    )


def dump(secrets: Secrets) -> bytes:
    """What is kept in a file or in Consul. It spells the secrets out: never print or log it."""
    content = {"schema": SCHEMA} | {name: _plain(value) for name, value in secrets}
    return json.dumps(content, indent=2).encode() + b"\n"


def parse(content: bytes, where: str) -> Secrets:
    """Read what `dump` made; `where` names its place. Raises `SecretsUnusable`."""
    return _validated(_document(content, where), where)


def new_gossip_key() -> SecretStr:
    """A fresh key for a gossip pool, in the base64 that the agents take."""
    return SecretStr(base64.b64encode(random.token_bytes(GOSSIP_KEY_BYTES)).decode())


def new_token() -> SecretStr:
    """A fresh secret of a token: 128 random bits in the shape of a UUID, as both systems ask."""
    return SecretStr(str(uuid.UUID(bytes=random.token_bytes(16), version=4)))


def _content(path: Path) -> dict[str, object] | None:
    """The document in the file; None when there is no file."""
    content = read_private(path)
    return None if content is None else _document(content, str(path))


def _document(content: bytes, where: str) -> dict[str, object]:
    """A document of the format that is read here."""
    try:
        values = json.loads(content)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise SecretsUnusable(f"{where} is damaged (not a JSON object)", cure=_copy_of(where))
    if (schema := values.get("schema")) != SCHEMA:
        raise SecretsUnusable(
            f"{where} has the format {schema!r}, this version of bob reads {SCHEMA!r}",
            cure="use the version of bob that wrote it",
        )
    return values


def _upgraded(content: dict[str, object]) -> dict[str, object]:
    """The document with new values for what an older version of Bob did not write."""
    made: dict[str, object] = {"bob_agents": {}, "robot": {}}
    made |= {"requests": new_token(), "ssh_key": ssh_keys.make()}
    return made | content


def _validated(content: dict[str, object], where: str) -> Secrets:
    values = {name: value for name, value in content.items() if name != "schema"}
    try:
        return Secrets.model_validate(values)
    except ValidationError as error:  # its text is not shown: it may hold values
        places = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        raise SecretsUnusable(f"{where} is damaged (at {places})", cure=_copy_of(where)) from None


def _of_cluster(found: Secrets, path: Path, cluster_name: str) -> Secrets:
    if found.cluster != cluster_name:
        raise SecretsUnusable(
            f"{path} belongs to cluster {found.cluster!r}, not to {cluster_name!r}",
            cure=_copy_of(path),
        )
    return found


def _copy_of(where: str | Path) -> str:
    return f"put back a copy of {where}; without it the running cluster cannot be managed"


def _extended(
    existing: Mapping[Key, SecretStr] | None, keys: Iterable[Key], make: Callable[[], SecretStr]
) -> Mapping[Key, SecretStr]:
    """`existing` with a new value for each of `keys` that has none."""
    known = dict(existing or {})
    return FrozenMapping(known | {key: make() for key in keys if key not in known})


def _plain(value: object) -> object:
    """What goes into the file: the only place where secrets are spelled out."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return value
