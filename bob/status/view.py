"""The judged state of a cluster, in the shape of `bob status -o json`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bob.pause import Pause
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
    """A node's Nomad client. In maintenance it is ready, and nothing new is placed there."""

    READY = "ready"
    MAINTENANCE = "maintenance"
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
class RobotStatus:
    """Bob itself. `leader` is a node's name; all is None while it could not be asked.

    `sentence` is what the leader said last. `pause` is the pause in force.
    """

    leader: str | None = None
    epoch: int | None = None
    sentence: str = ""
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The cluster; healthy when there is no reason to say otherwise. A leader is a node's name.

    `failures` are operations that wait for a person: the cluster itself may be in order.
    """

    cluster: str
    reasons: tuple[str, ...]
    failures: tuple[str, ...]
    robot: RobotStatus
    consul_leaders: Mapping[NetworkName, str | None]
    nomad_leader: str | None
    nodes: tuple[NodeStatus, ...]
    services: tuple[ServiceStatus, ...]

    @property
    def healthy(self) -> bool:
        """Nothing needs attention."""
        return not self.complaints

    @property
    def complaints(self) -> tuple[str, ...]:
        """Everything that needs attention."""
        return (*self.reasons, *self.failures)

    def as_json(self) -> dict[str, Any]:
        """The view in JSON types."""
        return {
            "schema": SCHEMA,
            "cluster": self.cluster,
            "healthy": self.healthy,
            "reasons": list(self.complaints),
            "robot": {
                "leader": self.robot.leader,
                "epoch": self.robot.epoch,
                "sentence": self.robot.sentence,
                "paused": self.robot.pause.model_dump(mode="json") if self.robot.pause else None,
            },
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
