"""The lists of nodes and servers in Nomad and Consul are as they should be.

A node that was installed anew is known to Nomad by two ids: the old one is forgotten once the new
one is ready. A node in maintenance gets no instances, also when it has registered anew. A node that
is no server any more stays in Consul's catalog as an instance of the service `consul`, which no
agent takes away (measured): clients that look servers up by DNS would go on trying it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bob.clients.nomad import Node
from bob.clients.nomad.records import DOWN
from bob.ops.context import LeaderContext
from bob.ops.view import MAINTENANCE, ClusterView
from bob.robot.duty import Action, Do, Memory
from inventory import NetworkName

INTERVAL = 10.0
QUIET_SECONDS = 30.0  # since servers changed: by then the change is over, with its own clean-up
CONSUL, NOMAD = "consul", "nomad"  # the services as which servers register


class Registrar:
    """See the module. Nodes that an operation works on are left alone."""

    name = "registrations"
    interval = INTERVAL

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """See `Duty`."""
        if not view.nomad_known or "cluster" in view.held:
            return ()
        free = {name for name in view.nodes if f"node/{name}" not in view.held}
        found: list[Action] = [
            Do(f"forget what {node.name} was before it was installed anew", partial(_forget, node))
            for node in view.former_nodes
            if node.name in free and node.status == DOWN and view.nodes[node.name].ready
        ]
        found += [
            Do(f"keep instances off {name}, which is in maintenance", partial(_keep_off, node))
            for name, node in view.nodes.items()
            if name in free
            and name in view.wishes
            and view.wishes[name].state == MAINTENANCE
            and node.eligible
        ]
        if _servers_changed(view, now, memory):
            clients = frozenset(view.clients)
            found.append(Do("look for registrations of former servers", partial(_strike, clients)))
        return found


def _servers_changed(view: ClusterView, now: float, memory: Memory) -> bool:
    """Once after each change of the servers, and once for a new leader, who saw none of them."""
    picture = tuple(
        (network.value, name)
        for network, members in sorted(view.members.items())
        for name in sorted(members)
        if members[name].server
    )
    if memory.get("servers") != picture:
        memory.update(servers=picture, since=now, struck=False)
    if memory["struck"] or now - memory["since"] < QUIET_SECONDS or "servers" in view.held:
        return False
    memory["struck"] = True
    return True


def _strike(clients: frozenset[str], context: LeaderContext) -> None:
    """Take nodes that are clients, and that Consul's gossip knows as such, off the lists."""
    for network, consul in context.networks.items():
        servers = {member.name for member in consul.agent.members() if member.server}
        services = (CONSUL, NOMAD) if network is NetworkName.MGMT else (CONSUL,)
        for service in services:
            for instance in consul.catalog.service(service):
                if instance.node in clients - servers:
                    consul.catalog.deregister_service(instance.node, instance.id)


def _forget(node: Node, context: LeaderContext) -> None:
    context.nomad.nodes.purge(node.id)


def _keep_off(node: Node, context: LeaderContext) -> None:
    context.nomad.nodes.set_eligible(node.id, False)


DUTY = Registrar()
