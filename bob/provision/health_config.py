"""What the daemon `healthcheck` has to know before it can ask anybody; it reads it at its start."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import SecretStr

from bob.provision import consul_config, nomad_config
from bob.provision.agents import (
    BOB_UNIT,
    HEALTH_CONFIG_DIR,
    HEALTH_ECHO_PORT,
    HEALTH_METRICS_PORT,
    LOOPBACK,
    NOMAD_CONFIG_DIR,
    NOMAD_HTTP_PORT,
    NOMAD_UNIT,
    consul_agent,
    consul_agents,
)
from inventory.model import Cluster, NetworkName, Node

CONFIG_FILE = HEALTH_CONFIG_DIR / "healthcheck.json"


def health_config(cluster: Cluster, node: Node, servers: Sequence[str], token: SecretStr) -> bytes:
    """The configuration of one node. `servers` are names of nodes; one of them watches the cluster.

    The same inputs give the same bytes. It holds the token.
    """
    agents = consul_agents(cluster)
    document = {
        "cluster": cluster.name,
        "node": node.name,
        "token": token.get_secret_value(),
        "networks": {
            agent.network.value: {
                "address": str(node.addresses[agent.network]),
                "http_port": agent.http_port,
                "https_port": agent.https_port,
            }
            for agent in agents
        },
        "units": [*(agent.unit for agent in agents), NOMAD_UNIT, BOB_UNIT],
        "echo_port": HEALTH_ECHO_PORT,
        "metrics_port": HEALTH_METRICS_PORT,
        "watches_cluster": node.name in servers,
        "consul_ca": f"{consul_agent(NetworkName.MGMT).config_dir}/{consul_config.CA_FILE}",
        "nomad": f"https://{LOOPBACK}:{NOMAD_HTTP_PORT}",
        "nomad_ca": f"{NOMAD_CONFIG_DIR}/{nomad_config.CA_FILE}",
    }
    return json.dumps(document, indent=2).encode() + b"\n"
