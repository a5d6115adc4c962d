"""What a doctor sees from outside of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bob.clients.consul import Check
from bob.status.view import ClusterStatus
from healthcheck.records import Record


@dataclass(frozen=True)
class Told:
    """What Consul's KV and catalog tell of the checks."""

    nodes: Mapping[str, Record]
    cluster: Record | None
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Seen:
    """`told` is None when Consul could not be asked, `why` says why.

    `status` is what the servers say one by one. `answering`: the nodes whose healthcheck answered
    us directly, None when we could not ask them.
    """

    cluster: str
    nodes: tuple[str, ...]
    told: Told | None
    why: str
    status: ClusterStatus
    answering: frozenset[str] | None
