"""The judged state of a cluster, in the shape of `bob status -o json`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inventory import NetworkName

SCHEMA = "bob/status/1"


class AgentState(enum.StrEnum):
    """A node's Consul agent on one network."""

    ALIVE = "alive"
    FAILED = "failed"
    LEFT = "left"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class NomadState(enum.StrEnum):
    """A node's Nomad client."""

    READY = "ready"
    DOWN = "down"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node. A voter of Consul votes on every network; None: nobody could be asked."""

    name: str
    zone: str
    networks: Mapping[NetworkName, AgentState]
    server: bool
    consul_voter: bool | None
    nomad_voter: bool | None
    nomad: NomadState


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A Nomad job of type service: instances wanted, and instances that run and pass."""

    name: str
    desired: int
    healthy: int


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The cluster; healthy when there is no reason to say otherwise. A leader is a node's name."""

    cluster: str
    reasons: tuple[str, ...]
    consul_leaders: Mapping[NetworkName, str | None]
    nomad_leader: str | None
    nodes: tuple[NodeStatus, ...]
    services: tuple[ServiceStatus, ...]

    @property
    def healthy(self) -> bool:
        """Nothing needs attention."""
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        """The view in JSON types."""
        return {
            "schema": SCHEMA,
            "cluster": self.cluster,
            "healthy": self.healthy,
            "reasons": list(self.reasons),
            "leaders": {
                "consul": {net.value: name for net, name in self.consul_leaders.items()},
                "nomad": self.nomad_leader,
            },
            "nodes": [
                {
                    "name": node.name,
                    "zone": node.zone,
                    "networks": {net.value: state.value for net, state in node.networks.items()},
                    "server": node.server,
                    "consul_voter": node.consul_voter,
                    "nomad_voter": node.nomad_voter,
                    "nomad": node.nomad.value,
                }
                for node in self.nodes
            ],
            "services": [
                {"name": service.name, "desired": service.desired, "healthy": service.healthy}
                for service in self.services
            ],
        }
