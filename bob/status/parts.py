"""The parts of a cluster that have a raft of their own, and which server's word counts for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from bob.clients.consul import MemberStatus
from bob.status.snapshot import ConsulView, NomadView, Snapshot, Unknown
from inventory import NetworkName

V = TypeVar("V", ConsulView, NomadView)
AnyV = TypeVar("AnyV", bound=ConsulView | NomadView)


@dataclass(frozen=True, slots=True)
class Part(Generic[AnyV]):
    """Consul on one network, or Nomad. `view` is the believed one, None when no server answered."""

    name: str
    views: Mapping[str, AnyV | Unknown]
    view: AnyV | None

    @property
    def leader(self) -> str | None:
        """Name of the leader's node."""
        peer = self.view.raft.leader if self.view else None
        return peer.name if peer else None

    def votes(self, node: str) -> bool | None:
        """Whether the node is a voter; None when nobody could be asked."""
        return None if self.view is None else node in self.view.raft.voters


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts of a cluster."""

    consul: Mapping[NetworkName, Part[ConsulView]]
    nomad: Part[NomadView]

    @property
    def all(self) -> tuple[Part[ConsulView] | Part[NomadView], ...]:
        """Consul's networks, then Nomad."""
        return (*self.consul.values(), self.nomad)


def parts_of(snapshot: Snapshot) -> Parts:
    """The parts with the view to believe of each."""
    return Parts(
        consul={
            network: Part(f"Consul {network.value}", views, believed(views))
            for network, views in snapshot.consul.items()
        },
        nomad=Part("Nomad", snapshot.nomad, believed(snapshot.nomad)),
    )


def believed(views: Mapping[str, V | Unknown]) -> V | None:
    """The view to believe: the leader's own, else one that sees a leader, else the widest one.

    A server that is cut off loses its leader and sees the others as failed, so it comes last.
    """
    known = [(server, view) for server, view in views.items() if not isinstance(view, Unknown)]

    def rank(item: tuple[str, V]) -> tuple[bool, bool, int]:
        server, view = item
        leader = view.raft.leader
        return leader is not None and leader.name == server, leader is not None, _width(view)

    return max(known, key=rank)[1] if known else None


def _width(view: ConsulView | NomadView) -> int:
    """How many live nodes the view knows."""
    if isinstance(view, ConsulView):
        return sum(member.status is MemberStatus.ALIVE for member in view.members)
    return sum(node.ready for node in view.nodes)
