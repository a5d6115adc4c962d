"""How many servers a cluster has, and on which nodes.

Servers are dealt to the zones in turn, zones in the order in which the file first names them, nodes
of a zone in the order of the file. So no zone ever holds two more servers than another that still
has nodes, and the share of the fullest zone is the least possible.

What that means when a zone is lost:

    zones      3 servers     5 servers
    1          accepted: the operator has told us of one failure domain only
    2          warning: any odd number leaves a majority in one of two zones
    3 or more  never a       refused when wished, if the other zones have fewer than 3 nodes
               majority      together; without a wish such a cluster gets 3 servers
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, zip_longest

from inventory.model import Cluster

REDUNDANT = 3
LARGE = 5


def choose_servers(cluster: Cluster) -> tuple[str, ...]:
    """Names of the server nodes, best first; the same inventory gives the same answer."""
    zones = [node.zone for node in cluster.nodes]
    count = server_count(zones, cluster.servers, cluster.five_servers_from)
    return tuple(cluster.nodes[position].name for position in deal(zones, count))


def server_count(zones: Sequence[str], wish: int | None, five_servers_from: int) -> int:
    """The number of servers; `zones` has the zone of every node. It may exceed the nodes."""
    if wish is not None:
        return wish
    if len(zones) < five_servers_from:
        return REDUNDANT
    avoidable = len(set(zones)) > 2 and majority_zone(zones, LARGE) is not None
    return REDUNDANT if avoidable else LARGE


def deal(zones: Sequence[str], count: int) -> tuple[int, ...]:
    """Positions of the nodes that become servers, dealt to the zones in turn."""
    members: dict[str, list[int]] = {}
    for position, zone in enumerate(zones):
        members.setdefault(zone, []).append(position)
    rounds = chain.from_iterable(zip_longest(*members.values()))
    return tuple(position for position in rounds if position is not None)[:count]


def majority_zone(zones: Sequence[str], count: int) -> str | None:
    """The zone whose loss stops the cluster: it holds a majority of `count` servers. Else None."""
    held = Counter(zones[position] for position in deal(zones, count))
    return next((zone for zone, servers in held.items() if servers > count // 2), None)
