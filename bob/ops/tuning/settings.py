"""Which settings depend on the number of nodes, and for which number they were last written. Pure.

bob/tuning    the settings as the files of the nodes have them
"""

from __future__ import annotations

from typing import Any

from bob.provision.consul_config import gossip
from bob.provision.nomad_config import failover_ttl

Settings = dict[str, Any]


def settings_for(nodes: int) -> Settings:
    """The settings of a cluster of so many nodes; equal for sizes that are treated alike."""
    return {"failover_heartbeat_ttl": failover_ttl(nodes), "gossip": gossip(nodes)}
