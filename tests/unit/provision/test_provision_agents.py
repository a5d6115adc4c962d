from __future__ import annotations

import pytest
from provision_samples import describe

from bob.provision.agents import Listener, consul_agent, consul_agents, listeners
from inventory.model import Cluster, NetworkName


@pytest.mark.parametrize(
    ("network", "http", "https", "dns"),
    [
        (NetworkName.MGMT, 8500, 8501, 53),
        (NetworkName.STORAGE, 8510, 8511, None),
        (NetworkName.TENANT, 8520, 8521, None),
    ],
)
def test_each_network_has_its_own_ports_and_places(
    network: NetworkName, http: int, https: int, dns: int | None
) -> None:
    agent = consul_agent(network)
    assert (agent.http_port, agent.https_port, agent.dns_port) == (http, https, dns)
    assert agent.unit == f"consul-{network}"
    assert str(agent.data_dir) == f"/var/lib/bob/consul-{network}"
    assert str(agent.config_dir) == f"/etc/bob/consul-{network}"


def test_only_declared_networks_have_an_agent() -> None:
    agents = consul_agents(describe(networks=("mgmt", "tenant")))
    assert [agent.network for agent in agents] == [NetworkName.MGMT, NetworkName.TENANT]
    assert agents[1].http_port == 8520  # the same on every cluster


@pytest.mark.parametrize("server", [True, False])
def test_no_two_agents_of_a_node_want_the_same_port(cluster: Cluster, server: bool) -> None:
    found = listeners(cluster, cluster.node("host2"), server=server)
    places = [(one.address, one.port, one.protocol) for one in found]
    assert len(set(places)) == len(places)


def test_a_server_listens_where_other_nodes_and_the_operator_look(cluster: Cluster) -> None:
    found = listeners(cluster, cluster.node("host2"), server=True)
    for expected in (
        Listener("127.0.0.1", 53, "udp", "consul-mgmt"),
        Listener("127.0.0.1", 8520, "tcp", "consul-tenant"),
        Listener("10.102.0.2", 8301, "udp", "consul-storage"),
        Listener("10.103.0.2", 8300, "tcp", "consul-tenant"),
        Listener("10.101.0.2", 8521, "tcp", "consul-tenant"),
        Listener("10.101.0.2", 4648, "udp", "nomad"),
        Listener("127.0.0.1", 4646, "tcp", "nomad"),
        Listener("10.102.0.2", 8592, "udp", "healthcheck"),
    ):
        assert expected in found


def test_a_client_opens_no_server_port(cluster: Cluster) -> None:
    ports = {one.port for one in listeners(cluster, cluster.node("host4"), server=False)}
    assert ports == {53, 8500, 8510, 8520, 8301, 8590, 8591, 8592, 4646}
