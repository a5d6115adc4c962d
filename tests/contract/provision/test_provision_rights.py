"""What the tokens of bob-agents and of operators may do in a real Consul with these rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from loopback_agents import consul_agent

from bob import toolchain
from bob.clients.consul import Consul
from bob.clients.http import Refused, Unreachable
from bob.provision.access import consul_access
from bob.provision.secrets import Secrets, complete
from bob.waiting import wait_for
from inventory import Cluster, NetworkName

START_SECONDS = 60.0
OWN = "host11"  # the name of the node that the agent runs on
KEYS = (
    "bob/active/servers",
    "bob/cluster",
    "bob/facts/host11",
    "bob/facts/host12",
    "bob/history/01A",
    "bob/leader",
    "bob/nodes/host12",
    "bob/ops/01A",
    "bob/pause",
    "bob/schema",
    "bob/secret/nodes/host11/agent.json",
    "bob/secret/nodes/host12/agent.json",
    "bob/secret/secrets.json",
    "bob/services/demo",
    "bob/tasks/host11/01A",
    "bob/tasks/host12/01A",
    "config/demo/params",
    "health/cluster",
    "health/leader",
    "health/nodes/host11",
    "health/nodes/host12",
    "bob/secret/parts/healthcheck/nomad",
)
ClientOf = Callable[[str], Consul]


@pytest.fixture(scope="module")
def granted() -> Secrets:
    return complete(None, CLUSTER)


CLUSTER = Cluster.model_validate(
    {
        "name": "c1",
        "networks": {"mgmt": {"cidr": "10.1.0.0/16"}},
        "nodes": [
            {"name": f"host{number}", "addresses": {"mgmt": f"10.1.0.{number}"}}
            for number in (11, 12)
        ],
    }
)


@pytest.fixture(scope="module")
def client_of(granted: Secrets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientOf]:
    """A client by its token, of a Consul that has all policies and tokens, and all `KEYS`."""
    binary = toolchain.ensure(["consul"]).consul.path
    with consul_agent(binary, tmp_path_factory.mktemp("consul")) as agent:
        manager = Consul(agent.address, agent.token, agent.ca_file)

        def ready() -> bool:
            try:
                return manager.catalog.serf_health(OWN) == "passing"
            except Unreachable:
                return False

        wait_for(ready, what="Consul answers", deadline=START_SECONDS)
        access = consul_access(CLUSTER, NetworkName.MGMT, [OWN], granted)
        for policy in access.policies:
            manager.acl.ensure_policy(policy)
        for token in access.tokens:
            manager.acl.ensure_token(token)
        for key in KEYS:
            manager.kv.put(key, "value")
        yield lambda token: Consul(agent.address, token, agent.ca_file)


def read(client: Consul) -> set[str]:
    """Keys that can be read one by one; a list leaves out what may not be seen."""
    found = {key for key in KEYS if allowed(lambda key=key: client.kv.get(key))}
    assert set(client.kv.keys("")) <= found
    return found


def written(client: Consul) -> set[str]:
    return {key for key in KEYS if allowed(lambda key=key: client.kv.put(key, "value"))}


def allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except Refused as refusal:
        assert refusal.status == 403, refusal
        return False
    return True


def test_a_bob_agent_sees_and_writes_what_is_its_own(client_of: ClientOf, granted: Secrets) -> None:
    client = client_of(granted.bob_agents[OWN].get_secret_value())
    assert written(client) == {"bob/tasks/host11/01A", "bob/facts/host11"}
    assert read(client) == {
        *written(client),
        "bob/secret/nodes/host11/agent.json",
        "bob/cluster",
        "bob/leader",
        "bob/nodes/host12",
        "bob/pause",
    }
    client.agent.self()
    client.agent.register_service("bob", 10, "notes", "passing")
    client.agent.update_check("bob", "warning", "one sentence")
    assert not allowed(lambda: client.agent.register_service("nomad", 10, "notes", "passing"))
    assert not allowed(lambda: client.session.create("n", ttl=10, lock_delay=1))
    assert not allowed(client.acl.accessors)


def test_a_bob_agent_works_with_transactions_on_its_tasks_only(
    client_of: ClientOf, granted: Secrets
) -> None:
    client = client_of(granted.bob_agents[OWN].get_secret_value())
    assert client.txn().set("bob/tasks/host11/01A", "x").commit().ok
    assert not client.txn().set("bob/tasks/host12/01B", "x").commit().ok
    assert not client.txn().set("bob/leader", "x").commit().ok


@pytest.mark.parametrize("server", [True, False])
def test_a_healthcheck_tells_of_its_own_node_and_on_servers_of_the_cluster(
    client_of: ClientOf, granted: Secrets, server: bool
) -> None:
    client = client_of(granted.healthchecks[OWN if server else "host12"].get_secret_value())
    own = {"health/nodes/host11" if server else "health/nodes/host12"}
    whole = {"health/cluster", "health/leader"} if server else set()
    assert written(client) == own | whole
    seen = {"bob/leader", "bob/nodes/host12", "bob/secret/parts/healthcheck/nomad"}
    assert read(client) == own | whole | (seen if server else set())
    assert [member.name for member in client.agent.members()] == [OWN]
    client.agent.register_service("nodecheck", 10, "notes", "passing")
    client.agent.update_check("nodecheck", "warning", "a table")
    client.agent.deregister_service("nodecheck")
    register = lambda name: client.agent.register_service(name, 10, "notes", "passing")  # noqa: E731
    assert allowed(lambda: register("clustercheck")) is server
    assert not allowed(lambda: register("bob"))
    assert allowed(lambda: client.session.create("n", ttl=10, lock_delay=1)) is server
    assert not allowed(client.acl.accessors)
    if server:
        assert client.operator.raft().leader
        assert {check.service_name for check in client.catalog.checks()} >= {"clustercheck"}
        client.catalog.deregister_service(OWN, "clustercheck")
        client.agent.deregister_service("clustercheck")


def test_the_command_line_records_wishes_and_nothing_else(
    client_of: ClientOf, granted: Secrets
) -> None:
    client = client_of(granted.requests.get_secret_value())
    secret = {key for key in KEYS if key.startswith("bob/secret/")}
    assert read(client) == set(KEYS) - secret
    assert written(client) == {
        "bob/ops/01A", "bob/active/servers", "bob/pause", "bob/services/demo", "bob/history/01A",
    }  # fmt: skip
    assert not allowed(lambda: client.kv.delete("bob/leader"))
    assert not client.txn().set("bob/leader", "x").commit().ok
    assert not allowed(client.acl.accessors)


def test_an_operator_looks_only(client_of: ClientOf, granted: Secrets) -> None:
    client = client_of(granted.operator.get_secret_value())
    assert read(client) == {key for key in KEYS if not key.startswith("bob/secret/")}
    assert written(client) == set()
    assert not allowed(lambda: client.kv.delete("bob/leader"))


def test_the_robot_may_do_everything(client_of: ClientOf, granted: Secrets) -> None:
    client = client_of(granted.robot[NetworkName.MGMT].get_secret_value())
    assert read(client) == written(client) == set(KEYS)
    assert client.acl.accessors()
