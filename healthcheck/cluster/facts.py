"""What was seen of the cluster at one moment, before anybody judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bob.clients.consul import Check, Member
from bob.clients.nomad import JobState, Node


@dataclass(frozen=True, slots=True)
class Wished:
    """What a node of the inventory should be; the words of `bob/nodes/<node>`."""

    role: str
    state: str


@dataclass(frozen=True, slots=True)
class ConsulFacts:
    """Consul of mgmt. `leader` is "" without one; `robot`: one of Bob's agents leads."""

    leader: str
    voters: frozenset[str]
    wishes: Mapping[str, Wished]
    checks: tuple[Check, ...]
    robot: bool


@dataclass(frozen=True, slots=True)
class NomadFacts:
    """Nomad as a whole; `leader` is "" without one."""

    leader: str
    voters: frozenset[str]
    nodes: tuple[Node, ...]
    jobs: tuple[JobState, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An instance of a service was asked in its own language. `error` is "" when it answered."""

    service: str
    node: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Ceph:
    """What Ceph says of itself: `status` is HEALTH_OK, HEALTH_WARN or HEALTH_ERR.

    `complaints` are sentences with the name of the complaint: ("OSD_DOWN", "1 osds down").
    """

    status: str
    complaints: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ClusterFacts:
    """Everything; None is what has not been seen yet, or is not there to be seen."""

    pools: Mapping[str, tuple[Member, ...]] | None = None
    """Members of each network's gossip."""
    consul: ConsulFacts | None = None
    nomad: NomadFacts | None = None
    answers: tuple[Answer, ...] = ()
    ceph: Ceph | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
