"""Servers, nodes, jobs and allocations as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RUNNING = "running"
READY = "ready"
DOWN = "down"
FINISHED = frozenset({"complete", "failed", "lost"})
SERVICE, BATCH, SYSTEM, SYSBATCH = "service", "batch", "system", "sysbatch"


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
    """A client node. `status` is initializing, ready, down or disconnected.

    `drivers` are the task drivers that work there ("docker").
    """

    id: str
    name: str
    address: str
    status: str
    eligible: bool
    draining: bool
    drivers: frozenset[str] = frozenset()

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

    `job` is the job's id, `job_type` its type. `node_name`, `desired`, `modify_index`, `job` and
    `job_type` are empty in the short form that `JobState` holds.
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
    job: str = ""
    job_type: str = ""

    @property
    def running(self) -> bool:
        """At least one task runs and none has failed for good."""
        return self.status == RUNNING

    @property
    def over(self) -> bool:
        """Nothing of it runs any more, or ever will."""
        return self.status in FINISHED


@dataclass(frozen=True, slots=True)
class JobState:
    """A job with the sum of its groups' counts and its current allocations.

    `version` rises with each change of what was registered, also when the job is stopped.
    """

    id: str
    namespace: str
    name: str
    type: str
    stopped: bool
    desired: int
    allocations: tuple[Allocation, ...]
    version: int = 0


def allocation(body: Mapping[str, Any]) -> Allocation:
    """Parse an allocation as lists of a job or of a node hold it."""
    return Allocation(
        id=body["ID"],
        group=body["TaskGroup"],
        node_id=body["NodeID"],
        status=body["ClientStatus"],
        healthy=(body.get("DeploymentStatus") or {}).get("Healthy"),
        version=_version(body),
        node_name=body["NodeName"],
        desired=body["DesiredStatus"],
        modify_index=body["ModifyIndex"],
        job=body["JobID"],
        job_type=body["JobType"] if "JobType" in body else body["Job"]["Type"],
    )


def _version(body: Mapping[str, Any]) -> int:
    """A node's list holds whole allocations, a job's list their short form."""
    found: int = body["JobVersion"] if "JobVersion" in body else body["Job"]["Version"]
    return found
