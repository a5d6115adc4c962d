"""A simulated fleet behind a real Consul, and a mixture of operations for it.

Nomad, gossip and rafts are in memory; records, locks, events and transactions are real. Half of the
services run with three instances.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from fake_nomad import FakeCatalog, FakeNomad, FakeOperator
from fake_nomad_state import Fleet
from many_services import many_services, names, use

from bob.catalogue import Catalogue
from bob.clients.consul import Agent, Consul, Indexed, Member, MemberStatus
from bob.clients.consul.kv import WAIT_SECONDS
from bob.ops.cluster_records import CLUSTER_KEY, NODES, public_inventory
from bob.ops.kind import Request
from bob.ops.sense import SERVICES
from bob.ops.services.jobs import definition, draft, register
from bob.ops.services.wishes import ServiceWish, Wanted
from bob.ops.view import CLIENT, SERVER, NodeWish
from inventory import Cluster, Network, NetworkName, Node

SERVERS = ("n1", "n2", "n3", "n4", "n5")
INSTANCES = 3  # while one of them moves, the others are not the last one
AT_ONCE = 64  # keys in a transaction
ADDRESS = IPv4Address("10.0.0.0")


class BusyFleet:
    """`running` services and `absent` ones; `drained` counts for each node how often it was."""

    def __init__(self, folder: Path, nodes: int, services: int) -> None:
        self.nodes = tuple(f"n{number}" for number in range(1, nodes + 1))
        self.cluster = _cluster(self.nodes)
        self.services = names(services)
        self.running, self.absent = self.services[::2], self.services[1::2]
        self.catalogue = many_services(folder, services, INSTANCES)
        self.fleet = Fleet(self.nodes, time.monotonic)
        self.drained: Counter[str] = Counter()
        self.nomad = self.client_of_nomad()
        use(self.catalogue)
        self._wishes = {name: self._start(name) for name in self.running}

    def client_of_nomad(self) -> FakeNomad:
        """Another client with a line of its own."""
        made = FakeNomad(self.fleet, SERVERS)
        drain = made.nodes.drain

        def counted(node: str, seconds: float) -> None:
            drain(node, seconds)
            self.drained[self.fleet.hosts[node].name] += 1

        made.nodes.drain = counted  # type: ignore[method-assign]
        return made

    def release(self) -> None:
        """Give this process Bob's own services back."""
        use(Catalogue())

    def record(self, consul: Consul) -> None:
        """Make the records in Consul those of a cluster that has just come up like this."""
        keys = {CLUSTER_KEY: json.dumps(public_inventory(self.cluster))}
        for name in self.nodes:
            role = SERVER if name in SERVERS else CLIENT
            keys[NODES + name] = NodeWish(role=role, zone=f"z{name[-1]}").model_dump_json()
        for name, wish in self._wishes.items():
            keys[SERVICES + name] = wish.model_dump_json(indent=2)
        consul.kv.delete("bob/", recurse=True)
        entries = list(keys.items())
        for first in range(0, len(entries), AT_ONCE):
            txn = consul.txn()
            for key, value in entries[first : first + AT_ONCE]:
                txn.set(key, value)
            txn.commit()

    def around(self, consul: Consul) -> Consul:
        """The same client, but for gossip, rafts and registered services: those are the fleet's."""
        consul.agent = FleetAgent(self.nodes)
        consul.operator = FakeOperator(SERVERS)  # type: ignore[assignment]
        consul.catalog = FleetCatalog(self.fleet)
        return consul

    def requests(self, count: int, share: int) -> Iterator[Request]:
        """So many wishes that do not stand in each other's way.

        One of `share` takes a client out of service; the others in turn scale a service that runs
        to one instance more, and deploy another service.
        """
        clients = iter(name for name in self.nodes if name not in SERVERS)
        running, absent = iter(self.running), iter(self.absent)
        for number in range(count):
            if number % share == share - 1:
                yield Request("maintain", next(clients))
            elif number % 2:
                yield Request("scale", next(running), {"count": INSTANCES + 1})
            else:
                yield Request("deploy", next(absent))

    def _start(self, name: str) -> ServiceWish:
        wanted = Wanted(count=INSTANCES, definition=definition(self.catalogue, name, None))
        version = register(self.nomad, draft(self.nomad, self.catalogue, name, wanted))
        return ServiceWish(**wanted.model_dump(), job_version=version)


class FleetAgent(Agent):
    """Gossip that finds every node alive."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        self._members = tuple(
            Member(name, str(ADDRESS + place), MemberStatus.ALIVE, name in SERVERS)
            for place, name in enumerate(nodes, start=1)
        )

    def members(self) -> tuple[Member, ...]:
        return self._members


class FleetCatalog(FakeCatalog):
    """No host ever fails."""

    def failed_nodes(
        self, *, index: int = 0, wait: float = WAIT_SECONDS
    ) -> Indexed[frozenset[str]]:
        time.sleep(wait if index else 0)
        return Indexed(frozenset(), 1)


def _cluster(nodes: tuple[str, ...]) -> Cluster:
    return Cluster(
        name="c1",
        five_servers_from=len(SERVERS),
        networks={NetworkName.MGMT: Network(cidr=IPv4Network("10.0.0.0/16"))},
        nodes=tuple(
            Node(name=name, zone=f"z{name[-1]}", addresses={NetworkName.MGMT: ADDRESS + place})
            for place, name in enumerate(nodes, start=1)
        ),
    )
