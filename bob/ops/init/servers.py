"""The servers of Consul and of Nomad, all at once: neither needs the other to find its quorum.

A Nomad client that registers before the first leader has made the keyring is refused and tries
again only after 15 to 30 seconds (measured). So Nomad's servers start without their client part,
which `nomad` adds once there is a leader.
"""

from __future__ import annotations

import dataclasses
import json
from http import HTTPStatus

from bob.clients.http import Refused
from bob.clients.ssh import Host
from bob.errors import Temporary
from bob.ops.init.context import InitContext
from bob.ops.init.software import NOMAD_CONFIG
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision import agents, install
from bob.provision.node_files import NodeFile
from bob.waiting import Deadline
from inventory import NetworkName


class Servers(Step[InitContext]):
    """A leader and all voters on each network, and of Nomad."""

    name = "servers"
    title = "Start the servers: Consul on every network, and Nomad"

    def probe(self, context: InitContext) -> Probe:
        for network in context.cluster.network_names():
            if lack := consul_lack(context, network):
                return needed(lack)
        return needed(lack) if (lack := nomad_lack(context)) else DONE

    def apply(self, context: InitContext, deadline: Deadline) -> None:
        units = [agent.unit for agent in agents.consul_agents(context.cluster)]

        def start(host: Host) -> None:
            final = nomad_config_file(context, host.name)
            if install.differing(host, [final]):
                install.send_files(host, [without_client(final)])
            host.run(install.start_script([*units, agents.NOMAD_UNIT]))

        context.fleet.each(start, context.servers)
        cure = "Look at journalctl -u 'consul-*' -u nomad on the servers."
        self.wait_until_done(context, deadline, cure=cure)


def consul_lack(context: InitContext, network: NetworkName) -> str:
    """What the quorum of a network lacks; empty when it is complete."""
    consul = context.consul(network)
    try:
        if not consul.leader():
            return f"Consul has no leader on {network}"
        missing = set(context.servers) - consul.operator.raft().voters
    except Temporary:
        return f"Consul does not answer on {network}"
    except Refused as refusal:
        if refusal.status != HTTPStatus.FORBIDDEN:
            raise
        # A new leader answers for a moment before it has made the management token.
        return f"Consul does not know the management token on {network}"
    return f"{', '.join(sorted(missing))} not a voter on {network}" if missing else ""


def nomad_lack(context: InitContext) -> str:
    """What the quorum of Nomad lacks. Asked without a token: Nomad knows none yet."""
    nomad = context.nomad()
    try:
        peers = nomad.peers() if nomad.leader() else frozenset()
    except Temporary:
        return "Nomad does not answer"
    wanted = len(context.servers)
    return f"{len(peers)} of {wanted} Nomad servers in a quorum" if len(peers) < wanted else ""


def nomad_config_file(context: InitContext, name: str) -> NodeFile:
    """The final configuration of Nomad on a node."""
    return next(file for file in context.files(name) if file.path == NOMAD_CONFIG)


def without_client(file: NodeFile) -> NodeFile:
    """The same configuration for a server that runs no jobs yet."""
    config = json.loads(file.content)
    del config["client"]
    return dataclasses.replace(file, content=json.dumps(config, indent=2).encode())
