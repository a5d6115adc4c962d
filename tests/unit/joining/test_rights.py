"""What a node is allowed: its own, and nothing that others share."""

from __future__ import annotations

import pytest

from bob.ops.joining.rights import rights_of
from bob.provision import access, secrets
from inventory import Cluster, NetworkName


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}, "storage": {"cidr": "10.2.0.0/24"}},
            "nodes": [
                {"name": f"n{i}", "addresses": {"mgmt": f"10.1.0.{i}", "storage": f"10.2.0.{i}"}}
                for i in (1, 2)
            ],
        }
    )


@pytest.mark.parametrize(
    ("network", "tokens"),
    [
        (
            NetworkName.MGMT,
            {"Consul agent of n2", "bob-agent of n2", "Nomad agent of n2", "healthcheck of n2"},
        ),
        (NetworkName.STORAGE, {"Consul agent of n2", "healthcheck of n2"}),
    ],
)
def test_only_what_is_the_nodes_own(
    cluster: Cluster, network: NetworkName, tokens: set[str]
) -> None:
    made = secrets.complete(None, cluster)
    own = rights_of(cluster, network, "n2", ["n1"], made)
    assert {token.description for token in own.tokens} == tokens
    assert all("n2" in policy.name for policy in own.policies)
    whole = access.consul_access(cluster, network, ["n1"], made)
    assert set(own.tokens) <= set(whole.tokens)
    assert set(own.policies) <= set(whole.policies)
