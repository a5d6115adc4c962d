"""Servers, nodes, jobs and allocations as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RUNNING = "running"
READY = "ready"


@dataclass(frozen=True, slots=True)
class Server:
    """A server in Nomad's gossip. `status` is alive, failed, left, leaving or none."""

    name: str
    address: str
    status: str


@dataclass(frozen=True, slots=True)
class AgentHealth:
    """Health of the parts of the asked agent; None: it does not run that part."""

    server: bool | None
    client: bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """A client node. `status` is initializing, ready, down or disconnected."""

    id: str
    name: str
    address: str
    status: str
    eligible: bool
    draining: bool

    @property
    def ready(self) -> bool:
        """Its heartbeats arrive and it may run allocations."""
        return self.status == READY


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """Allocations of one task group by state."""

    queued: int
    starting: int
    running: int
    complete: int
    failed: int
    lost: int
    unknown: int


@dataclass(frozen=True, slots=True)
class JobStub:
    """A job in a list. `status` is pending, running or dead; `stopped` by an operator."""

    id: str
    namespace: str
    name: str
    type: str
    status: str
    stopped: bool
    modify_index: int
    groups: Mapping[str, GroupSummary]


@dataclass(frozen=True, slots=True)
class Allocation:
    """An allocation. `healthy` is what its deployment found: None while undecided.

    `node_name`, `desired` and `modify_index` are empty in the short form that `JobState` holds.
    """

    id: str
    group: str
    node_id: str
    status: str
    healthy: bool | None
    version: int
    node_name: str = ""
    desired: str = ""
    modify_index: int = 0

    @property
    def running(self) -> bool:
        """At least one task runs and none has failed for good."""
        return self.status == RUNNING


@dataclass(frozen=True, slots=True)
class JobState:
    """A job with the sum of its groups' counts and its current allocations."""

    id: str
    namespace: str
    name: str
    type: str
    stopped: bool
    desired: int
    allocations: tuple[Allocation, ...]
