"""Configuration of a Nomad agent. Numbers marked "measured" were timed on five hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bob.provision.agents import (
    LAST_CONTACT,
    LOOPBACK,
    NOMAD_CONFIG_DIR,
    NOMAD_DATA_DIR,
    NOMAD_GOSSIP_PORT,
    NOMAD_HTTP_PORT,
    NOMAD_RPC_PORT,
    consul_agent,
)
from bob.provision.certificates import NOMAD_REGION
from bob.provision.secrets import Secrets
from inventory.model import Cluster, NetworkName, Node

CA_FILE, CERTIFICATE_FILE, KEY_FILE = "ca.pem", "agent.pem", "agent-key.pem"
CONFIG_FILE = "nomad.json"
CONSUL_AUDIENCE = "consul.io"  # what Nomad puts into, and Consul demands of, a workload's identity

# Nodes up to which a time to live after a change of leader is used, and that time in seconds.
# A client may beat as rarely as every 2 x max(2, nodes / 50) seconds, and one that calls the lost
# server first gives up after 8-10 s (Nomad's limit for a connection is 10 s). With 4 s a healthy
# node was taken for lost, and its jobs replaced, each time a leader's host lost power (measured).
FAILOVER_TTL = ((50, 12), (100, 20))
LARGEST_FAILOVER_TTL = 35

# A node whose agent restarts registers at once, but sends its first heartbeat up to 10 s later
# (initialHeartbeatStagger in nomad/client/client.go); the server waits for it the TTL and the
# grace. With 2 + 3 s a restart could end all that ran on the node (measured). Hosts that are gone
# are not waited for: the robot's duty `lost-nodes` hears of them by gossip.
HEARTBEAT_TTL = 2
FIRST_HEARTBEAT = 10
HEARTBEAT_GRACE = FIRST_HEARTBEAT - HEARTBEAT_TTL

# A server judges a client before it has a leader, by the keys in its own last raft snapshot. When
# all hosts start at once and that snapshot has no keys, the client of the next leader is refused
# and tries again only after 15-30 s: it is down meanwhile (measured). With Nomad's defaults (8192
# entries, 2 min) a young cluster has no snapshot at all. A small state is written in milliseconds.
SNAPSHOT_ENTRIES = 16
SNAPSHOT_INTERVAL = "15s"  # the server adds a random part of the same length

Config = dict[str, Any]


@dataclass(frozen=True)
class HostLimits:
    """What a client may give to jobs, for hosts that share one machine (a sandbox)."""

    cpu_mhz: int
    memory_mib: int


def nomad_config(
    cluster: Cluster,
    node: Node,
    servers: Sequence[str],
    secrets: Secrets,
    *,
    limits: HostLimits | None = None,
    bootstrap: bool = True,
) -> Config:
    """The JSON configuration of a node's Nomad agent; a server is a client too.

    `servers` and `bootstrap` as in `consul_config`. Clients find the servers through Consul.
    """
    address = str(node.addresses[NetworkName.MGMT])
    server = node.name in servers
    config: Config = {
        "name": node.name,
        "region": NOMAD_REGION,
        "datacenter": cluster.name,
        "data_dir": str(NOMAD_DATA_DIR),
        "bind_addr": address,
        # The loopback address too: Consul asks its own Nomad for the keys of workload identities.
        # With one server's address there, its loss stopped every new allocation (measured).
        "addresses": {"http": f"{LOOPBACK} {address}"},
        "advertise": {"http": address, "rpc": address, "serf": address},
        "ports": {"http": NOMAD_HTTP_PORT, "rpc": NOMAD_RPC_PORT, "serf": NOMAD_GOSSIP_PORT},
        # A stop or reboot is not a departure, and tasks run on while the agent restarts.
        "leave_on_interrupt": False,
        "leave_on_terminate": False,
        "acl": {"enabled": True},
        "tls": _tls(),
        "consul": _consul(node, secrets, server=server),
        "client": _client(node, limits),
        "plugin": _plugins(),
        "telemetry": {
            "prometheus_metrics": True,
            "publish_allocation_metrics": True,
            "publish_node_metrics": True,
        },
        "disable_update_check": True,
        "log_level": "info",  # to standard output, which is the journal
    }
    if server:
        config["server"] = _server(cluster, servers, secrets, bootstrap=bootstrap)
        # Without it a server that reboots is pruned, and the next loss ends the quorum (measured).
        config["autopilot"] = {
            "min_quorum": len(servers),
            "last_contact_threshold": LAST_CONTACT,
        }
    return config


def failover_ttl(nodes: int) -> int:
    """Seconds that nodes have to report to a new leader before it counts them as down."""
    for limit, seconds in FAILOVER_TTL:
        if nodes <= limit:
            return seconds
    return LARGEST_FAILOVER_TTL


def _server(
    cluster: Cluster, servers: Sequence[str], secrets: Secrets, *, bootstrap: bool
) -> Config:
    config: Config = {
        "enabled": True,
        "encrypt": secrets.nomad_gossip.get_secret_value(),
        "raft_multiplier": 1,  # new leader 2.9-3.9 s after the loss of its host (measured)
        "min_heartbeat_ttl": f"{HEARTBEAT_TTL}s",
        "heartbeat_grace": f"{HEARTBEAT_GRACE}s",
        "max_heartbeats_per_second": 50,  # Nomad's default: from 100 nodes on the TTL is nodes / 50
        "failover_heartbeat_ttl": f"{failover_ttl(len(cluster.nodes))}s",  # default 5 min
        # Not through Consul: servers that start at once look there before any has registered, find
        # nobody, and look again only after 45-67 s (peersPollInterval in nomad/server.go).
        "server_join": {
            "retry_join": [str(cluster.node(s).addresses[NetworkName.MGMT]) for s in servers],
            "retry_interval": "1s",
        },
        "raft_snapshot_threshold": SNAPSHOT_ENTRIES,
        "raft_snapshot_interval": SNAPSHOT_INTERVAL,
    }
    if bootstrap:
        config["bootstrap_expect"] = len(servers)
    return config


def _client(node: Node, limits: HostLimits | None) -> Config:
    config: Config = {
        "enabled": True,
        "node_pool": "default",
        "meta": {"zone": node.zone},
        "network_interface": interface_of(str(node.addresses[NetworkName.MGMT])),
        "preferred_address_family": "ipv4",
        # A bare host is none of these; each would ask 169.254.169.254 and wait for no answer.
        "options": {"fingerprint.denylist": "env_aws,env_azure,env_digitalocean,env_gce"},
        "gc_max_allocs": 50,  # Nomad's default; finished allocations kept for their logs
        # A template that cannot reach Consul waits. By default it gives up after 12 attempts and
        # Nomad kills the task: a long outage of Consul would end every service.
        "template": {"consul_retry": {"attempts": 0}},
        "cni_path": "/usr/lib/cni",  # where Debian's containernetworking-plugins puts them
        # `exec` copies these into each task: the default copies /usr too, 10-14 s for an image of
        # 865 MB (measured). A task that needs more brings it as an artifact or uses docker.
        "chroot_env": {
            path: path
            for path in (
                "/bin",
                "/etc/group",
                "/etc/hosts",
                "/etc/ld.so.cache",
                "/etc/nsswitch.conf",
                "/etc/passwd",
                "/etc/resolv.conf",
                "/etc/ssl/certs",
                "/lib",
                "/lib64",
            )
        },
    }
    if limits is not None:
        config["cpu_total_compute"] = limits.cpu_mhz
        config["memory_total_mb"] = limits.memory_mib
    return config


def interface_of(address: str) -> str:
    """Template (go-sockaddr) for the name of the NIC that holds `address` when the agent starts.

    Nomad takes a NIC by name; names change with hardware and kernels, the address does not.
    """
    pattern = address.replace(".", "[.]")
    return f'{{{{ GetAllInterfaces | include "address" "^{pattern}(/|$)" | attr "name" }}}}'


def _consul(node: Node, secrets: Secrets, *, server: bool) -> Config:
    config: Config = {
        "address": f"{LOOPBACK}:{consul_agent(NetworkName.MGMT).http_port}",
        "token": secrets.nomad_agents[node.name].get_secret_value(),
    }
    if server:  # servers sign the identities with which workloads log in to Consul
        identity = {"aud": [CONSUL_AUDIENCE], "ttl": "1h"}
        config |= {"service_identity": identity, "task_identity": identity}
    return config


def _tls() -> Config:
    return {
        "http": True,
        "rpc": True,
        "ca_file": str(NOMAD_CONFIG_DIR / CA_FILE),
        "cert_file": str(NOMAD_CONFIG_DIR / CERTIFICATE_FILE),
        "key_file": str(NOMAD_CONFIG_DIR / KEY_FILE),
        "verify_server_hostname": True,
        "verify_https_client": False,  # browsers have no certificate; the token protects it
    }


def _plugins() -> list[Config]:
    """Task drivers. In JSON each block is a list of objects, and so is each `config` in it."""
    docker = {
        "volumes": {"enabled": True},
        # Images may exist on this host only; Nomad must not remove one when its last task ends.
        "gc": {"image": False},
    }
    return [
        {"raw_exec": [{"config": [{"enabled": True}]}]},
        {"docker": [{"config": [docker]}]},
    ]
