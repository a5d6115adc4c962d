"""The agents of a node as data: their units, folders and ports.

One Consul agent per network (each a gossip pool and a datacenter of its own), one Nomad agent, and
Bob's own: bob-agent, which only shows its metrics on the loopback address, and healthcheck.
Gossip and RPC use the same ports on every network, since each agent binds its own network's
address. HTTP ports differ, since all agents share the loopback address; a step of 10 keeps them
apart from each other and from DNS (a step of 100 would meet Consul's usual DNS port 8600).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from inventory.model import Cluster, NetworkName, Node

BIN_DIR = PurePosixPath("/opt/bob/bin")
CONFIG_ROOT = PurePosixPath("/etc/bob")
DATA_ROOT = PurePosixPath("/var/lib/bob")
UNIT_DIR = PurePosixPath("/etc/systemd/system")

CONSUL_USER = "consul"  # system user and group that run the Consul agents; made by the installer
LOOPBACK = "127.0.0.1"

CONSUL_RPC_PORT = 8300
CONSUL_GOSSIP_PORT = 8301
DNS_PORT = 53
_PORT_STEP = 10
_FIRST_HTTP_PORT = 8500

# How long autopilot calls a server healthy that it has not heard: as long as the server itself
# waits before it stands for election (raft_multiplier 1). With the default of 200 ms every busy
# moment of a host made the cluster degraded (measured).
LAST_CONTACT = "1s"

# Serf tells for 3 s that an agent leaves; then a server waits up to 5 s to hear that it is in no
# raft any more.
LEAVE_SECONDS = 10

NOMAD_UNIT = "nomad"
NOMAD_CONFIG_DIR = CONFIG_ROOT / "nomad"
NOMAD_DATA_DIR = DATA_ROOT / "nomad"
NOMAD_HTTP_PORT = 4646
NOMAD_RPC_PORT = 4647
NOMAD_GOSSIP_PORT = 4648

BOB_UNIT = "bob-agent"
BOB_CONFIG_DIR = CONFIG_ROOT / "agent"
BOB_DATA_DIR = DATA_ROOT / "agent"
BOB_RUN_DIR = PurePosixPath("/run/bob/agent")
BOB_METRICS_PORT = 8590

HEALTH_UNIT = "healthcheck"
OWN_UNITS = (BOB_UNIT, HEALTH_UNIT)  # they run Bob itself, and restart when all else has
HEALTH_CONFIG_DIR = CONFIG_ROOT / HEALTH_UNIT
HEALTH_RUN_DIR = PurePosixPath("/run/bob/healthcheck")
HEALTH_METRICS_PORT = 8591
HEALTH_ECHO_PORT = 8592  # on every network: neighbours ask whether they are heard

Protocol = Literal["tcp", "udp"]


@dataclass(frozen=True)
class ConsulAgent:
    """Where the Consul agent of one network lives on every node."""

    network: NetworkName
    http_port: int
    """Plain HTTP, bound to the loopback address only."""
    https_port: int
    """HTTPS, on servers only and bound to the mgmt address, so that one network reaches all."""
    dns_port: int | None
    """The mgmt agent answers DNS on the loopback address; the others do not."""

    @property
    def unit(self) -> str:
        """Name of the systemd unit, without `.service`."""
        return f"consul-{self.network.value}"

    @property
    def config_dir(self) -> PurePosixPath:
        """Folder with the configuration and certificates of this agent alone."""
        return CONFIG_ROOT / self.unit

    @property
    def data_dir(self) -> PurePosixPath:
        """Folder with the agent's state; never a folder of configuration (Consul #21364)."""
        return DATA_ROOT / self.unit


@dataclass(frozen=True)
class Listener:
    """A port that a unit of ours opens on a node."""

    address: str
    port: int
    protocol: Protocol
    unit: str


def consul_agent(network: NetworkName) -> ConsulAgent:
    """The Consul agent of a network: the same on every node of every cluster."""
    http_port = _FIRST_HTTP_PORT + _PORT_STEP * list(NetworkName).index(network)
    return ConsulAgent(
        network=network,
        http_port=http_port,
        https_port=http_port + 1,
        dns_port=DNS_PORT if network is NetworkName.MGMT else None,
    )


def consul_agents(cluster: Cluster) -> tuple[ConsulAgent, ...]:
    """The Consul agents of each node, mgmt first."""
    return tuple(consul_agent(network) for network in cluster.network_names())


def datacenter(cluster: Cluster, network: NetworkName) -> str:
    """Consul's datacenter of a network. A foreign one is refused at join: a safety net."""
    return f"{cluster.name}-{network.value}"


def listeners(cluster: Cluster, node: Node, *, server: bool) -> tuple[Listener, ...]:
    """Every port that our units open on this node. Ports must be free before installation."""
    mgmt = str(node.addresses[NetworkName.MGMT])
    found: list[Listener] = []

    def opens(unit: str, address: str, port: int, *protocols: Protocol) -> None:
        found.extend(Listener(address, port, protocol, unit) for protocol in protocols)

    for agent in consul_agents(cluster):
        own = str(node.addresses[agent.network])
        opens(agent.unit, LOOPBACK, agent.http_port, "tcp")
        opens(agent.unit, own, CONSUL_GOSSIP_PORT, "tcp", "udp")
        opens(HEALTH_UNIT, own, HEALTH_ECHO_PORT, "udp")
        if agent.dns_port is not None:
            opens(agent.unit, LOOPBACK, agent.dns_port, "tcp", "udp")
        if server:
            opens(agent.unit, own, CONSUL_RPC_PORT, "tcp")
            opens(agent.unit, mgmt, agent.https_port, "tcp")
    opens(BOB_UNIT, LOOPBACK, BOB_METRICS_PORT, "tcp")
    opens(HEALTH_UNIT, LOOPBACK, HEALTH_METRICS_PORT, "tcp")
    opens(NOMAD_UNIT, LOOPBACK, NOMAD_HTTP_PORT, "tcp")
    opens(NOMAD_UNIT, mgmt, NOMAD_HTTP_PORT, "tcp")
    if server:
        opens(NOMAD_UNIT, mgmt, NOMAD_RPC_PORT, "tcp")
        opens(NOMAD_UNIT, mgmt, NOMAD_GOSSIP_PORT, "tcp", "udp")
    return tuple(found)
