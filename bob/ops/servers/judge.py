"""Who is a server, who could be one, and what the loss of one would mean. Nothing is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from bob.clients.quorum import AutopilotServer, RaftConfiguration
from bob.errors import UsageError
from bob.ops.view import MEMBER, SERVER, ClusterView, Quorum
from inventory.placement import server_count

# Autopilot's own ServerStabilizationTime: a server gets its vote after so long without a fault.
STABLE_SECONDS = 10.0


def majority(voters: int) -> int:
    """How many of `voters` have to agree."""
    return voters // 2 + 1


def wanted_servers(view: ClusterView) -> int:
    """How many servers the cluster should have; there may be fewer nodes."""
    zones = [wish.zone for wish in view.wishes.values()]
    return server_count(zones, view.cluster.servers, view.cluster.five_servers_from)


def acts(view: ClusterView, node: str) -> bool:
    """The node is in a raft, or it is alive and runs as a server on some network."""
    if any(peer.name == node for raft in _rafts(view) for peer in raft.peers):
        return True
    return any(node in seen and seen[node].server and view.alive(node, network)
               for network, seen in view.members.items())  # fmt: skip


def runs_as_server(view: ClusterView, node: str) -> str:
    """What the node lacks to run as a server everywhere, votes apart; "" when it does."""
    for network in view.cluster.network_names():
        member = view.members.get(network, {}).get(node)
        if not view.alive(node, network) or member is None:
            return f"{node} is not alive on {network.value}"
        if not member.server:
            return f"{node} is a client on {network.value}"
    raft = view.nomad.raft
    if raft is None or node not in {peer.name for peer in raft.peers}:
        return f"{node} is no server of Nomad"
    return ""


def lacks(view: ClusterView, node: str) -> str:
    """What the node lacks to be a full server: a vote, health, stability. "" when it is one."""
    for name, quorum in view.quorums.items():
        if quorum.health is None:
            return f"the servers of {name} are not known"
        server = quorum.server(node)
        if server is None or not server.voter or node not in quorum.voters:
            return f"{node} has no vote in {name} yet"
        if not server.healthy:
            return f"{node} is not healthy in {name}"
        if not stable(server, view.now):
            return f"{node} is not yet stable in {name}"
    return ""


def require(view: ClusterView, node: str, names: Collection[str]) -> None:
    """Raise `UsageError` when the node is none of these names."""
    if node not in names:
        raise UsageError(
            f"{view.cluster.name} has no node {node!r}", cure=f"Its nodes: {', '.join(names)}."
        )


def unsound(view: ClusterView) -> str:
    """Why no server may be restarted now, or ""."""
    for name in view.servers:
        if lack := lacks(view, name):
            return lack
        if not (name in view.nodes and view.nodes[name].ready):
            return f"Nomad does not find {name} ready"
    return ""


def sick(view: ClusterView) -> str:
    """Why the work should not even begin, or "".

    Only what is seen counts: an answer that was late, or a server that is not yet stable, is
    waited for before each restart.
    """
    for name in view.servers:
        for raft, quorum in view.quorums.items():
            if quorum.health is None:
                continue
            server = quorum.server(name)
            if server is None or not server.voter:
                return f"{name} has no vote in {raft} yet"
            if not server.healthy:
                return f"{name} is not healthy in {raft}"
        if view.nomad_known and not (name in view.nodes and view.nodes[name].ready):
            return f"Nomad does not find {name} ready"
    return ""


def stable(server: AutopilotServer, now: float) -> bool:
    """Autopilot has found the server the same for long enough.

    A clock of the leader that is far ahead of ours proves nothing; its vote does then.
    """
    age = now - datetime.fromisoformat(server.stable_since).timestamp()
    return not -1.0 <= age < STABLE_SECONDS


def unfit(view: ClusterView, node: str) -> str:
    """Why the node should not become a server; "" when it may."""
    if not view.nomad_known:
        return "Nomad gives no answer"
    if (wish := view.wishes.get(node)) is None:
        return f"{node} is no node of {view.cluster.name}"
    if wish.state != MEMBER:
        return f"{node} is {wish.state}"
    for network in view.cluster.network_names():
        if not view.alive(node, network):
            return f"{node} is not alive on {network.value}"
    found = view.nodes.get(node)
    if found is None or not found.ready:
        return f"Nomad does not find {node} ready"
    return f"{node} is being drained" if found.draining else ""


def best(view: ClusterView, leaving: str = "") -> str:
    """The client that should become a server when `leaving` is one no more; "" when none is fit.

    The zone with the fewest servers first, then one that runs as a server already, then the order
    of the inventory.
    """
    zones = view.zones()
    if leaving in view.servers:
        zones[view.wishes[leaving].zone] -= 1
    fit = [name for name in view.clients if name != leaving and not unfit(view, name)]
    return min(
        fit, key=lambda name: (zones[view.wishes[name].zone], not acts(view, name)), default=""
    )


def substitute(view: ClusterView, leaving: str) -> str:
    """Who has to become a server before `leaving` is one no more; "" when nobody has to or can."""
    needed = is_wished(view, leaving) and len(view.servers) <= wanted_servers(view)
    return best(view, leaving) if needed else ""


def spare(view: ClusterView, leaving: str, coming: str = "") -> int:
    """Servers that could fail after the change, in the weakest raft; negative: no majority.

    `leaving` gives up its vote after `coming` has got one. A raft that is not known has nothing.
    Who is not alive in the gossip of mgmt counts nowhere: Nomad finds a dead server healthy for
    half a minute, for its own gossip has the pace of wide networks (`DefaultWANConfig` in
    nomad/config.go).
    """
    return min(_spare(view, quorum, leaving, coming) for quorum in view.quorums.values())


def votes_somewhere(view: ClusterView, node: str) -> bool:
    """The node is a voter in some raft."""
    return any(node in quorum.voters for quorum in view.quorums.values())


def leaderless(view: ClusterView) -> str:
    """The raft that cannot be changed since it has no leader, by its name; "" when all have."""
    for name, quorum in view.quorums.items():
        if not quorum.leader or quorum.health is None:
            return name
    return ""


def crowded(view: ClusterView, node: str) -> str:
    """The fit client that had better be a server than `node`, for the zones' sake; or "".

    With it the zones would differ by less: no zone should take a majority with it.
    """
    zones = view.zones()
    here = zones[view.wishes[node].zone] + (node not in view.servers)
    others = [
        name for name in view.clients
        if name != node and zones[view.wishes[name].zone] <= here - 2 and not unfit(view, name)
    ]  # fmt: skip
    return min(others, key=lambda name: zones[view.wishes[name].zone], default="")


def is_wished(view: ClusterView, node: str) -> bool:
    """The node should be a server."""
    return node in view.wishes and view.wishes[node].role == SERVER


def _spare(view: ClusterView, quorum: Quorum, leaving: str, coming: str) -> int:
    if quorum.health is None:
        return -1
    new = frozenset({coming} if coming else ())
    voters = (quorum.voters | new) - {leaving}
    healthy = new | {n for n in quorum.voters if quorum.healthy(n) and not view.gone(n)}
    return len(healthy & voters) - majority(len(voters))


def _rafts(view: ClusterView) -> Iterator[RaftConfiguration]:
    return (quorum.raft for quorum in view.quorums.values() if quorum.raft)
