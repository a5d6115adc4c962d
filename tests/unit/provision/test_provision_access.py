from __future__ import annotations

import json
import re

import pytest
from provision_samples import NETWORKS, SERVERS

from bob.provision.access import (
    MANAGEMENT_POLICY,
    agent_policy,
    consul_access,
    health_policy,
    node_accessors,
    node_policies,
    node_policy,
    workload_access,
)
from bob.provision.pki import Authorities
from bob.provision.secrets import Secrets
from inventory.model import Cluster, NetworkName

# What part of the keys below `bob/` each kind of policy may write.
WRITTEN = {
    "bob-node": {"tasks", "facts"},
    "bob-requ": {"ops", "active", "services", "history", "pause"},
    "bob-heal": {"nodes"},  # below `health/`, like the next one
    "bob-clus": {"cluster", "leader"},
}


@pytest.mark.parametrize("network", NETWORKS)
def test_every_policy_of_a_token_exists(
    cluster: Cluster, some_secrets: Secrets, network: str
) -> None:
    access = consul_access(cluster, NetworkName(network), SERVERS, some_secrets)
    names = [policy.name for policy in access.policies]
    assert len(set(names)) == len(names)
    for token in access.tokens:
        assert set(token.policies) <= {*names, MANAGEMENT_POLICY}


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_made_for_a_node_alone_is_known_by_its_name(
    cluster: Cluster, some_secrets: Secrets, network: str
) -> None:
    access = consul_access(cluster, NetworkName(network), SERVERS, some_secrets)
    ours = {t.accessor_id for t in access.tokens if t.description.endswith(" host4")}
    assert ours
    assert ours <= set(node_accessors(cluster, NetworkName(network), "host4", 0))
    named = {policy.name for policy in access.policies if "host4" in policy.rules}
    assert named
    assert named <= set(node_policies("host4"))


def test_tokens_of_each_datacenter(cluster: Cluster, some_secrets: Secrets) -> None:
    mgmt = consul_access(cluster, NetworkName.MGMT, SERVERS, some_secrets)
    storage = consul_access(cluster, NetworkName.STORAGE, SERVERS, some_secrets)
    # Consul agents, healthchecks, operator, robot; on mgmt also DNS, requests, Nomad, bob-agents
    assert len(mgmt.tokens) == 4 + 4 + 1 + 1 + 1 + 1 + 4 + 4
    assert len(storage.tokens) == 4 + 4 + 1 + 1
    held = {token.description: token for token in storage.tokens}
    own = some_secrets.consul_agents["host3"][NetworkName.STORAGE]
    assert held["Consul agent of host3"].secret_id == own.get_secret_value()
    assert held["operator"].secret_id == some_secrets.operator.get_secret_value()


def test_accessors_are_unique_and_stay(cluster: Cluster, some_secrets: Secrets) -> None:
    def accessors() -> list[str]:
        return [
            token.accessor_id
            for network in NetworkName
            for token in consul_access(cluster, network, SERVERS, some_secrets).tokens
        ]

    assert accessors() == accessors()
    assert len(set(accessors())) == 20 + 10 + 10


def test_management_tokens_are_not_handed_out(cluster: Cluster, some_secrets: Secrets) -> None:
    """They come into being with the servers; a second one would be one too many."""
    for network in NetworkName:
        tokens = consul_access(cluster, network, SERVERS, some_secrets).tokens
        management = some_secrets.consul_management[network].get_secret_value()
        assert management not in [token.secret_id for token in tokens]


def test_nomad_agents_get_the_policy_of_their_role(cluster: Cluster, some_secrets: Secrets) -> None:
    access = consul_access(cluster, NetworkName.MGMT, SERVERS, some_secrets)
    held = {token.description: token.policies for token in access.tokens}
    assert held["Nomad agent of host1"] == ("bob-nomad-server",)
    assert held["Nomad agent of host4"] == ("bob-nomad-client",)


def test_no_policy_is_as_good_as_management(cluster: Cluster, some_secrets: Secrets) -> None:
    policies = consul_access(cluster, NetworkName.MGMT, SERVERS, some_secrets).policies
    for policy in policies:
        rules = re.findall(r"^(\w+)", policy.rules, re.MULTILINE)
        assert rules and "acl" not in rules and 'operator = "write"' not in policy.rules
        written = re.findall(r'key(?:_prefix)? "([^"]*)" \{ policy = "write"', policy.rules)
        assert {key.split("/")[1] for key in written} <= WRITTEN.get(policy.name[:8], set())


def test_an_agent_writes_its_own_node_only() -> None:
    rules = agent_policy("host1").rules
    assert re.findall(r'^(.+) \{ policy = "write" \}', rules, re.MULTILINE) == ['node "host1"']


def test_only_the_robot_may_do_everything(cluster: Cluster, some_secrets: Secrets) -> None:
    for network in NetworkName:
        tokens = consul_access(cluster, network, SERVERS, some_secrets).tokens
        mighty = [token for token in tokens if MANAGEMENT_POLICY in token.policies]
        assert [token.description for token in mighty] == ["robot of c1"]
        assert mighty[0].secret_id == some_secrets.robot[network].get_secret_value()


def test_a_bob_agent_gets_nothing_of_another_node() -> None:
    keys = re.findall(r'^key\S* "([^"]+)" \{ policy = "(\w+)" \}', node_policy("n1").rules, re.M)
    own = {key for key, _ in keys if "n1" in key}
    assert own == {"bob/tasks/n1/", "bob/facts/n1", "bob/secret/nodes/n1/"}
    assert {policy for key, policy in keys if key not in own} == {"read"}
    assert not [key for key, _ in keys if key.startswith("bob/secret") and key not in own]


@pytest.mark.parametrize("network", NETWORKS)
def test_healthchecks_of_servers_alone_watch_the_cluster(
    cluster: Cluster, some_secrets: Secrets, network: str
) -> None:
    access = consul_access(cluster, NetworkName(network), SERVERS, some_secrets)
    held = {token.description: token.policies for token in access.tokens}
    whole = ("bob-clustercheck",) if network == "mgmt" else ()
    assert held["healthcheck of host1"] == ("bob-health-host1", *whole)
    assert held["healthcheck of host4"] == ("bob-health-host4",)


def test_a_healthcheck_writes_of_itself_only() -> None:
    rules = health_policy("n1", NetworkName.MGMT).rules
    written = re.findall(r'^(\w+ "[^"]*") \{ policy = "write" \}', rules, re.MULTILINE)
    assert written == ['key "health/nodes/n1"', 'service "nodecheck"', 'session "n1"']
    elsewhere = health_policy("n1", NetworkName.STORAGE).rules
    assert elsewhere == 'node_prefix "" { policy = "read" }\n'


def test_the_operator_sees_no_secret(cluster: Cluster, some_secrets: Secrets) -> None:
    policies = consul_access(cluster, NetworkName.MGMT, SERVERS, some_secrets).policies
    (rules,) = (policy.rules for policy in policies if policy.name == "bob-operator")
    assert 'key_prefix "bob/secret/" { policy = "deny" }' in rules
    assert "write" not in rules


def test_workloads_log_in_through_the_nomad_on_the_same_host(authorities: Authorities) -> None:
    access = workload_access(authorities.nomad)
    config = access.auth_method.config
    assert config["JWKSURL"] == "https://127.0.0.1:4646/.well-known/jwks.json"
    assert config["JWKSCACert"] == authorities.nomad.certificate.decode()
    assert "PRIVATE" not in json.dumps(config)
    assert config["BoundAudiences"] == ["consul.io"]
    service, task = access.binding_rules
    assert (service.bind_type, service.bind_name) == ("service", "${value.nomad_service}")
    assert task.bind_name.replace("${value.nomad_namespace}", "default") == access.role.name
    read = [line.split('"')[1] for line in access.policy.rules.splitlines() if "key" in line]
    assert read == ["bob/services/", "config/"], "configuration, and what is deployed"
    assert "write" not in access.policy.rules
