"""Configuration of a Consul agent. Numbers marked "measured" were timed on five hosts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from bob.provision.agents import (
    CONSUL_GOSSIP_PORT,
    CONSUL_RPC_PORT,
    LAST_CONTACT,
    LOOPBACK,
    consul_agent,
)
from bob.provision.agents import datacenter as datacenter_of
from bob.provision.secrets import Secrets
from inventory.model import Cluster, NetworkName, Node

CA_FILE, CERTIFICATE_FILE, KEY_FILE = "ca.pem", "agent.pem", "agent-key.pem"
CONFIG_FILE = "consul.json"

FAST_GOSSIP_NODES = 32  # up to here the suspicion time stays near its minimum: log10 N <= 1.5
_NODE_IDS = uuid.UUID("8a1f6d5e-0a57-4f0c-9a39-5d0d5b3f9f10")

Config = dict[str, Any]


def consul_config(
    cluster: Cluster,
    node: Node,
    network: NetworkName,
    servers: Sequence[str],
    secrets: Secrets,
    *,
    recursors: Sequence[str] = (),
    bootstrap: bool = True,
) -> Config:
    """The JSON configuration of a node's Consul agent on one network.

    `servers` are the names of all server nodes; `recursors` the resolvers to which the mgmt agent
    forwards names outside `consul`; `bootstrap` is true only while the cluster is being made (a
    server that comes later finds the others and must never elect itself).
    """
    agent = consul_agent(network)
    address = str(node.addresses[network])
    server = node.name in servers
    config: Config = {
        "datacenter": datacenter_of(cluster, network),
        "node_name": node.name,
        "node_id": node_id(cluster.name, network, node.name),
        "node_meta": {"zone": node.zone},
        "data_dir": str(agent.data_dir),
        "server": server,
        "bind_addr": address,
        "advertise_addr": address,
        "client_addr": LOOPBACK,
        "encrypt": secrets.consul_gossip[network].get_secret_value(),
        "retry_join": [str(cluster.node(name).addresses[network]) for name in servers],
        "retry_interval": "2s",  # default 30 s: a late first server would cost half a minute
        "rejoin_after_leave": True,
        # A stop or reboot is not a departure: the node keeps its registrations and is seen as
        # failed while it is away (client's default: true). SIGINT is the way to leave, for servers
        # too: one that becomes a client has to (see `bob.agent.tasks.configure`).
        "leave_on_terminate": False,
        "skip_leave_on_interrupt": False,
        "performance": {
            "raft_multiplier": 1,  # new leader after 2.3 s; 5-15 s with the default 5
            "leave_drain_time": "500ms",  # default 5 s: all of ours ask another server by then
        },
        "gossip_lan": gossip(len(cluster.nodes)),
        "ports": {
            "http": agent.http_port,
            "https": agent.https_port if server else -1,
            "grpc": -1,
            "grpc_tls": -1,
            "dns": -1 if agent.dns_port is None else agent.dns_port,
            "server": CONSUL_RPC_PORT,
            "serf_lan": CONSUL_GOSSIP_PORT,
            "serf_wan": -1,
        },
        "acl": {
            "enabled": True,
            "default_policy": "deny",
            # Tokens come from this file only; one set through the API would silently outlive it.
            "enable_token_persistence": False,
            "tokens": _tokens(node, network, secrets, server=server),
        },
        "tls": _tls(str(agent.config_dir)),
        "connect": {"enabled": False},
        # All users of a node share the loopback address: Nomad with its templates, robot, checks.
        # The default of 200 connections per address is met by a hundred blocking readers.
        "limits": {"http_max_conns_per_client": 1000},
        "telemetry": {"prometheus_retention_time": "60s", "disable_hostname": True},
        "disable_update_check": True,
        "log_level": "info",  # to standard output, which is the journal
    }
    if server:
        config["addresses"] = {"https": str(node.addresses[NetworkName.MGMT])}
        config["ui_config"] = {"enabled": network is NetworkName.MGMT}
        # Without it a server that reboots is pruned, and the next loss ends the quorum (measured).
        config["autopilot"] = {
            "min_quorum": len(servers),
            "last_contact_threshold": LAST_CONTACT,
        }
        if bootstrap:
            config["bootstrap_expect"] = len(servers)
    if network is NetworkName.MGMT and recursors:
        config["recursors"] = list(recursors)
    return config


def gossip(nodes: int) -> Config:
    """Failure detection on the local network.

    Small clusters: a dead host is known after 2.3 s instead of 5.8 s (measured). Larger ones keep
    Consul's defaults (1 s, 500 ms, 4), which were tuned for them.
    """
    if nodes <= FAST_GOSSIP_NODES:
        return {"probe_interval": "500ms", "probe_timeout": "200ms", "suspicion_mult": 3}
    return {"probe_interval": "1s", "probe_timeout": "500ms", "suspicion_mult": 4}


def node_id(cluster: str, network: NetworkName, node: str) -> str:
    """A node id that survives reinstallation.

    With a new id the old name is refused until its failure has been noticed (Consul #9939).
    """
    return str(uuid.uuid5(_NODE_IDS, f"{cluster}/{network.value}/{node}"))


def _tokens(node: Node, network: NetworkName, secrets: Secrets, *, server: bool) -> Config:
    """Tokens the agent holds. No `default`: a request without a token gets nothing."""
    tokens = {"agent": secrets.consul_agents[node.name][network].get_secret_value()}
    if network is NetworkName.MGMT:
        tokens["dns"] = secrets.dns.get_secret_value()
    if server:
        tokens["initial_management"] = secrets.consul_management[network].get_secret_value()
    return tokens


def _tls(folder: str) -> Config:
    return {
        "defaults": {
            "ca_file": f"{folder}/{CA_FILE}",
            "cert_file": f"{folder}/{CERTIFICATE_FILE}",
            "key_file": f"{folder}/{KEY_FILE}",
            "verify_incoming": True,
            "verify_outgoing": True,
        },
        "internal_rpc": {"verify_server_hostname": True},
        "https": {"verify_incoming": False},  # browsers have no certificate; the token protects it
    }
