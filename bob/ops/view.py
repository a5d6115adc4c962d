"""The cluster at one moment, for everything that judges it: checks, guards, keeper, reconciler.

Nothing here asks anybody: `sense` makes a view, and the simulations do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from bob.clients.consul import Member, MemberStatus
from bob.clients.nomad import JobState, Node
from bob.clients.quorum import AutopilotHealth, AutopilotServer, RaftConfiguration
from inventory import Cluster, NetworkName

SERVER, CLIENT = "server", "client"
JOINING, MEMBER, MAINTENANCE, LEAVING = "joining", "member", "maintenance", "leaving"


class NodeWish(BaseModel):
    """What a node should be, as kept in `bob/nodes/<node>`.

    `role` is server or client. `state` is joining, member, maintenance or leaving. `server_since`
    is the id of the operation that made it a server last; ids rise with time.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: str = CLIENT
    zone: str
    state: str = "member"
    server_since: str = ""


@dataclass(frozen=True)
class Quorum:
    """One raft: Consul's on a network, or Nomad's. Names are those of nodes.

    `health` is None when the leader could not be asked, and `raft` when nobody could.
    """

    raft: RaftConfiguration | None = None
    health: AutopilotHealth | None = None

    @property
    def leader(self) -> str:
        """Name of the leader, or ""."""
        leader = self.raft.leader if self.raft else None
        return leader.name if leader else ""

    @property
    def voters(self) -> frozenset[str]:
        """Names of the voters; empty when unknown."""
        return self.raft.voters if self.raft else frozenset()

    def server(self, name: str) -> AutopilotServer | None:
        """How the leader judges one server; None when it does not know it."""
        servers = self.health.servers if self.health else ()
        return next((server for server in servers if server.name == name), None)

    def healthy(self, name: str) -> bool:
        """The leader finds the server healthy."""
        server = self.server(name)
        return server is not None and server.healthy


@dataclass(frozen=True)
class ClusterView:
    """What is wished and what is seen.

    `now` is Unix time in seconds. `members` are the gossip members of each network by name;
    `consul` the quorum of each network; `nodes` Nomad's nodes by name (the ready one of several;
    the others are `former_nodes`); `nomad_gossip` who is in the gossip of Nomad's servers, and
    whether alive (a dead one for about 35 s more); `jobs` all jobs of Nomad by id; `services` the
    wishes in `bob/services/` (JSON documents).
    `catalogue` has the services that operators added: texts by path ("web/service.yaml").
    `generations` is the number of the newest configuration of each service that has one.
    `volumes` names the volumes that Nomad made on a host, and which are nowhere else, by node.
    `tuning` are the settings by size that were written last (`bob.ops.tuning.settings`).
    `certificates_until` is when the first certificate ends (Unix time), None when nobody noted it.
    `held` maps each held scope to the operation that holds it. A network that could not be asked
    is missing in `members`; `nomad_known` is False when Nomad gave no answer.
    """

    now: float
    cluster: Cluster
    wishes: Mapping[str, NodeWish]
    members: Mapping[NetworkName, Mapping[str, Member]] = field(default_factory=dict)
    consul: Mapping[NetworkName, Quorum] = field(default_factory=dict)
    nomad: Quorum = Quorum()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    former_nodes: tuple[Node, ...] = ()
    nomad_gossip: Mapping[str, bool] = field(default_factory=dict)
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    catalogue: Mapping[str, str] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)
    volumes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tuning: Mapping[str, object] | None = None
    certificates_until: float | None = None
    held: Mapping[str, str] = field(default_factory=dict)
    nomad_known: bool = True

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of the nodes that should be servers, in the order of the inventory."""
        return tuple(
            n.name for n in self.cluster.nodes
            if n.name in self.wishes and self.wishes[n.name].role == SERVER
        )  # fmt: skip

    @property
    def clients(self) -> tuple[str, ...]:
        """Names of the members that should be no servers."""
        return tuple(
            n.name for n in self.cluster.nodes
            if n.name in self.wishes and self.wishes[n.name].role == CLIENT
        )  # fmt: skip

    @property
    def quorums(self) -> Mapping[str, Quorum]:
        """Every raft by a name for people: "Consul mgmt", "Nomad"."""
        consul = {f"Consul {network.value}": quorum for network, quorum in self.consul.items()}
        return {**consul, "Nomad": self.nomad}

    def alive(self, node: str, network: NetworkName = NetworkName.MGMT) -> bool:
        """The node is alive in the gossip of a network."""
        member = self.members.get(network, {}).get(node)
        return member is not None and member.status is MemberStatus.ALIVE

    def gone(self, node: str) -> bool:
        """Gossip on mgmt could be asked, and does not know the node as alive."""
        return NetworkName.MGMT in self.members and not self.alive(node)

    def whole(self, node: str) -> bool:
        """The node is alive on every network, and Nomad finds it ready."""
        everywhere = all(self.alive(node, network) for network in self.cluster.network_names())
        return everywhere and node in self.nodes and self.nodes[node].ready

    def votes(self, node: str) -> bool:
        """The node is a voter in every raft."""
        return all(node in quorum.voters for quorum in self.quorums.values())

    def zones(self) -> Counter[str]:
        """How many servers each zone has."""
        return Counter(self.wishes[name].zone for name in self.servers)
