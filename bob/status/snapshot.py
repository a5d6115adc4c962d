"""What was seen of a cluster at one moment, server by server, before anyone judges it.

Each server is asked for its own view: one that is cut off on a network sees all others as failed
there, so no single view can be believed unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bob.clients.consul import Check, Member
from bob.clients.nomad import JobState, Node
from bob.clients.quorum import AutopilotHealth, RaftConfiguration
from bob.status.robot import RobotView
from inventory import NetworkName


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be asked, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConsulView:
    """One server's view of a network. `autopilot` is told by the leader only, `checks` on mgmt."""

    members: tuple[Member, ...]
    raft: RaftConfiguration
    autopilot: AutopilotHealth | None = None
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class NomadView:
    """One server's view of Nomad. `autopilot` is told by the leader only."""

    raft: RaftConfiguration
    nodes: tuple[Node, ...]
    jobs: tuple[JobState, ...]
    autopilot: AutopilotHealth | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All views, by network and name of the server. `now` is when, as Unix time in seconds."""

    consul: Mapping[NetworkName, Mapping[str, ConsulView | Unknown]]
    nomad: Mapping[str, NomadView | Unknown]
    robot: RobotView | Unknown
    now: float
