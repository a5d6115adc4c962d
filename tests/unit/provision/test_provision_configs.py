from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from provision_samples import NETWORKS, SERVERS, describe

from bob.provision.consul_config import consul_config, gossip, node_id
from bob.provision.nomad_config import (
    FIRST_HEARTBEAT,
    HostLimits,
    failover_ttl,
    interface_of,
    nomad_config,
)
from bob.provision.secrets import Secrets, complete
from inventory.model import Cluster, NetworkName

ConsulOf = Callable[..., dict[str, Any]]


@pytest.fixture
def consul_of(cluster: Cluster, some_secrets: Secrets) -> ConsulOf:
    def make(name: str, network: str, **options: Any) -> dict[str, Any]:
        return consul_config(
            cluster, cluster.node(name), NetworkName(network), SERVERS, some_secrets, **options
        )

    return make


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", ["host1", "host4"])
def test_every_consul_agent_stays_on_its_network(
    consul_of: ConsulOf, cluster: Cluster, some_secrets: Secrets, network: str, name: str
) -> None:
    config = consul_of(name, network)
    net = NetworkName(network)
    address = str(cluster.node(name).addresses[net])
    assert config["datacenter"] == f"c1-{network}"
    assert (config["bind_addr"], config["advertise_addr"]) == (address, address)
    assert config["retry_join"] == [str(cluster.node(s).addresses[net]) for s in SERVERS]
    assert config["encrypt"] == some_secrets.consul_gossip[net].get_secret_value()
    assert config["client_addr"] == "127.0.0.1"
    assert config["node_meta"] == {"zone": f"r{name[-1]}"}
    assert config["data_dir"] == f"/var/lib/bob/consul-{network}"
    assert config["performance"] == {"raft_multiplier": 1, "leave_drain_time": "500ms"}
    assert (config["leave_on_terminate"], config["skip_leave_on_interrupt"]) == (False, False)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", ["host1", "host4"])
def test_every_consul_agent_is_closed_to_strangers(
    consul_of: ConsulOf, network: str, name: str
) -> None:
    config = consul_of(name, network)
    acl, tls = config["acl"], config["tls"]
    assert acl["enabled"] and acl["default_policy"] == "deny"
    assert "default" not in acl["tokens"]
    assert tls["defaults"]["verify_incoming"] and tls["defaults"]["verify_outgoing"]
    assert tls["internal_rpc"]["verify_server_hostname"]
    assert "verify_incoming" not in tls["internal_rpc"]
    assert (config["ports"]["grpc"], config["ports"]["grpc_tls"]) == (-1, -1)
    assert config["ports"]["serf_wan"] == -1


def test_only_servers_have_what_makes_a_server(consul_of: ConsulOf) -> None:
    server, client = consul_of("host1", "mgmt"), consul_of("host4", "mgmt")
    assert server["server"] and server["bootstrap_expect"] == 3
    assert server["autopilot"] == {"min_quorum": 3, "last_contact_threshold": "1s"}
    assert server["ports"]["https"] == 8501
    assert server["addresses"] == {"https": "10.101.0.1"}
    assert not client["server"] and client["ports"]["https"] == -1
    for key in ("bootstrap_expect", "autopilot", "addresses", "ui_config"):
        assert key not in client
    assert "initial_management" in server["acl"]["tokens"]
    assert "initial_management" not in client["acl"]["tokens"]


def test_a_server_that_comes_later_never_elects_itself(
    consul_of: ConsulOf, cluster: Cluster, some_secrets: Secrets
) -> None:
    assert "bootstrap_expect" not in consul_of("host1", "mgmt", bootstrap=False)
    nomad = nomad_config(cluster, cluster.node("host1"), SERVERS, some_secrets, bootstrap=False)
    assert "bootstrap_expect" not in nomad["server"]


def test_https_of_all_networks_is_on_the_mgmt_address(consul_of: ConsulOf) -> None:
    for network in NETWORKS:
        assert consul_of("host2", network)["addresses"]["https"] == "10.101.0.2"


def test_dns_and_ui_belong_to_mgmt(consul_of: ConsulOf) -> None:
    mgmt, storage = (
        consul_of("host1", network, recursors=("10.0.0.53",)) for network in ("mgmt", "storage")
    )
    assert mgmt["ports"]["dns"] == 53 and mgmt["recursors"] == ["10.0.0.53"]
    assert storage["ports"]["dns"] == -1 and "recursors" not in storage
    assert "dns" in mgmt["acl"]["tokens"] and "dns" not in storage["acl"]["tokens"]
    assert mgmt["ui_config"]["enabled"] and not storage["ui_config"]["enabled"]
    assert "recursors" not in consul_of("host1", "mgmt")


def test_gossip_is_fast_in_small_clusters_only() -> None:
    fast = {"probe_interval": "500ms", "probe_timeout": "200ms", "suspicion_mult": 3}
    assert gossip(3) == gossip(32) == fast
    assert gossip(33)["probe_interval"] == "1s"


def test_node_ids_differ_and_stay() -> None:
    ids = {
        node_id(cluster, network, node)
        for cluster in ("c1", "c2")
        for network in NetworkName
        for node in ("host1", "host2")
    }
    assert len(ids) == 12
    assert node_id("c1", NetworkName.MGMT, "host1") == node_id("c1", NetworkName.MGMT, "host1")


def test_nomad_server_and_client(cluster: Cluster, some_secrets: Secrets) -> None:
    server, client = (
        nomad_config(cluster, cluster.node(name), SERVERS, some_secrets)
        for name in ("host1", "host4")
    )
    assert server["server"]["enabled"] and server["server"]["bootstrap_expect"] == 3
    assert server["autopilot"] == {"min_quorum": 3, "last_contact_threshold": "1s"}
    assert {"service_identity", "task_identity"} <= server["consul"].keys()
    assert server["consul"]["service_identity"]["aud"] == ["consul.io"]
    assert "server" not in client and "autopilot" not in client
    assert client["consul"].keys() == {"address", "token"}
    own = some_secrets.nomad_agents["host4"].get_secret_value()
    assert client["consul"]["token"] == own != server["consul"]["token"]


@pytest.mark.parametrize("name", ["host1", "host4"])
def test_every_nomad_agent(cluster: Cluster, some_secrets: Secrets, name: str) -> None:
    config = nomad_config(cluster, cluster.node(name), SERVERS, some_secrets)
    address = f"10.101.0.{name[-1]}"
    assert (config["region"], config["datacenter"]) == ("global", "c1")
    assert config["addresses"]["http"] == f"127.0.0.1 {address}"
    assert config["tls"]["http"] and config["tls"]["rpc"]
    assert config["tls"]["verify_server_hostname"] and not config["tls"]["verify_https_client"]
    assert config["acl"]["enabled"]
    assert config["client"]["enabled"] and config["client"]["meta"] == {"zone": f"r{name[-1]}"}
    assert "cpu_total_compute" not in config["client"]
    assert {"raw_exec": [{"config": [{"enabled": True}]}]} in config["plugin"]


def test_hosts_that_share_a_machine_are_limited(cluster: Cluster, some_secrets: Secrets) -> None:
    config = nomad_config(
        cluster, cluster.node("host4"), SERVERS, some_secrets, limits=HostLimits(2000, 1024)
    )
    assert config["client"]["cpu_total_compute"] == 2000
    assert config["client"]["memory_total_mb"] == 1024


@pytest.mark.parametrize(
    ("nodes", "seconds"),
    [(1, 12), (10, 12), (50, 12), (51, 20), (100, 20), (101, 35), (900, 35)],
)
def test_larger_clusters_get_more_patience_after_a_new_leader(nodes: int, seconds: int) -> None:
    assert failover_ttl(nodes) == seconds


def test_patience_follows_the_size_of_the_cluster() -> None:
    large = describe(nodes=60)
    config = nomad_config(large, large.node("host1"), SERVERS, complete(None, large))
    assert config["server"]["failover_heartbeat_ttl"] == "20s"


def test_a_restarted_agent_is_waited_for_until_its_first_heartbeat(
    cluster: Cluster, some_secrets: Secrets
) -> None:
    server = nomad_config(cluster, cluster.node("host1"), SERVERS, some_secrets)["server"]
    ttl, grace = (int(server[key][:-1]) for key in ("min_heartbeat_ttl", "heartbeat_grace"))
    assert ttl + grace >= FIRST_HEARTBEAT


def test_the_nic_is_found_by_the_whole_address() -> None:
    """10.1.0.1 must not match 10.1.0.11 or 10x1.0.1: the pattern is anchored and dots are dots."""
    assert '"^10[.]1[.]0[.]1(/|$)"' in interface_of("10.1.0.1")
