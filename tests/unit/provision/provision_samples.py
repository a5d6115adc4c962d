"""The cluster that the tests of this folder provision."""

from __future__ import annotations

from datetime import UTC, datetime

from inventory.model import Cluster

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVERS = ("host1", "host2", "host3")
NETWORKS = ("mgmt", "storage", "tenant")


def describe(nodes: int = 4, networks: tuple[str, ...] = NETWORKS) -> Cluster:
    """Cluster `c1`: node N has 10.101.0.N, 10.102.0.N, 10.103.0.N and is in rack rN."""
    third = {"mgmt": 101, "storage": 102, "tenant": 103}
    return Cluster.model_validate(
        {
            "name": "c1",
            "networks": {name: {"cidr": f"10.{third[name]}.0.0/16"} for name in networks},
            "nodes": [
                {
                    "name": f"host{number}",
                    "zone": f"r{number}",
                    "addresses": {name: f"10.{third[name]}.0.{number}" for name in networks},
                }
                for number in range(1, nodes + 1)
            ],
        }
    )
