"""What the agents answer to those who show no token, or one that is not meant for the question.

A Consul agent refuses (403) or leaves out what the token may not see: both give nothing away.
Open to all by their makers' design, and not asked here: who leads, which servers exist, whether an
agent works, Nomad's metrics, and the public keys of workload identities.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from harness import Lab

from bob.provision import secrets as secrets_file
from bob.provision.agents import NOMAD_HTTP_PORT, consul_agent
from bob.provision.secrets import Secrets
from inventory import NetworkName

pytestmark = pytest.mark.lab

SECONDS = 30
REFUSED = 403

CONSUL_REFUSED = [
    ("GET", "/v1/agent/self"),
    ("GET", "/v1/agent/metrics"),
    ("GET", "/v1/agent/monitor"),
    ("PUT", "/v1/agent/reload"),
    ("GET", "/v1/acl/tokens"),
    ("GET", "/v1/kv/bob/cluster"),
    ("GET", "/v1/kv/bob/secret/secrets.json"),
    ("PUT", "/v1/kv/stranger"),
    ("GET", "/v1/operator/keyring"),
    ("GET", "/v1/operator/raft/configuration"),
    ("PUT", "/v1/event/fire/stranger"),
    ("PUT", "/v1/session/create"),
    ("GET", "/v1/snapshot?stale"),
]
CONSUL_LEFT_OUT = [
    ("GET", "/v1/agent/members"),
    ("GET", "/v1/agent/services"),
    ("GET", "/v1/catalog/nodes"),
    ("GET", "/v1/catalog/services"),
    ("GET", "/v1/health/service/consul"),
    ("GET", "/v1/event/list"),
    ("GET", "/v1/kv/?keys"),
    ("GET", "/v1/session/list"),
]
NOMAD_REFUSED = [
    ("GET", "/v1/acl/tokens"),
    ("GET", "/v1/agent/members"),
    ("GET", "/v1/agent/self"),
    ("GET", "/v1/allocations"),
    ("GET", "/v1/client/stats"),
    ("GET", "/v1/jobs"),
    ("DELETE", "/v1/job/stranger"),
    ("GET", "/v1/nodes"),
    ("GET", "/v1/operator/keyring/keys"),
    ("GET", "/v1/operator/snapshot"),
    ("PUT", "/v1/system/gc"),
]
NOMAD_LEFT_OUT = [("GET", "/v1/vars"), ("GET", "/v1/namespaces")]

# Runs in a host: a list of [method, url] from standard input, a list of [status, body] to output.
ASK = """
import json, ssl, sys, urllib.error, urllib.request
trusting = ssl._create_unverified_context()
answers = []
for method, url in json.load(sys.stdin):
    body = b"{}" if method == "PUT" else None
    request = urllib.request.Request(url, data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20, context=trusting) as answer:
            answers.append([answer.status, answer.read().decode()])
    except urllib.error.HTTPError as refusal:
        answers.append([refusal.code, ""])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def secrets(cluster: Lab) -> Secrets:
    return secrets_file.load(cluster.folder / "secrets.json", cluster.sandbox.name)


def ask_inside(lab: Lab, node: str, requests_: list[tuple[str, str]]) -> list[Any]:
    """Ask the agents of a host from within."""
    result = subprocess.run(
        lab.sandbox.ssh_command(node, ["python3", "-c", ASK]), input=json.dumps(requests_),
        capture_output=True, text=True, timeout=SECONDS * 2, check=True,
    )  # fmt: skip
    answers: list[Any] = json.loads(result.stdout)
    return answers


def addresses(lab: Lab, node: str) -> tuple[list[str], list[str]]:
    """Addresses of the Consul and Nomad APIs of a server: on the loopback and the mgmt address."""
    mgmt = lab.sandbox.node(node).addresses["mgmt"]
    agents = [consul_agent(network) for network in NetworkName]
    consul = [f"http://127.0.0.1:{agent.http_port}" for agent in agents]
    consul += [f"https://{mgmt}:{agent.https_port}" for agent in agents]
    return consul, [f"https://{host}:{NOMAD_HTTP_PORT}" for host in ("127.0.0.1", mgmt)]


def test_without_a_token_no_agent_of_any_host_tells_or_does_anything(cluster: Lab) -> None:
    for node in cluster.sandbox.nodes:
        consul, nomad = addresses(cluster, node.name)
        refused = [(way, base + path) for base in consul for way, path in CONSUL_REFUSED]
        refused += [(way, base + path) for base in nomad for way, path in NOMAD_REFUSED]
        empty = [(way, base + path) for base in consul for way, path in CONSUL_LEFT_OUT]
        empty += [(way, base + path) for base in nomad for way, path in NOMAD_LEFT_OUT]
        answers = ask_inside(cluster, node.name, refused + empty)
        for request, (status, _) in zip(refused, answers, strict=False):
            assert status == REFUSED, (node.name, request)
        for request, (status, body) in zip(empty, answers[len(refused) :], strict=True):
            assert status == REFUSED or json.loads(body) in ([], {}), (node.name, request)


def test_nothing_but_tls_answers_outside_of_the_hosts(cluster: Lab) -> None:
    for node in cluster.sandbox.nodes:
        mgmt = node.addresses["mgmt"]
        encrypted = [consul_agent(network).https_port for network in NetworkName]
        for port in [*encrypted, NOMAD_HTTP_PORT]:
            answer = requests.get(f"http://{mgmt}:{port}/v1/status/leader", timeout=SECONDS)
            assert answer.status_code == 400
            assert mgmt not in answer.text
        listening = [line.split()[3] for line in cluster.on(node.name, "ss -Hltn").splitlines()]
        for network in NetworkName:
            port = consul_agent(network).http_port
            assert [place for place in listening if place.endswith(f":{port}")] == [
                f"127.0.0.1:{port}"
            ]


class Asker:
    """Requests to Consul on one server, over HTTPS as an operator or a robbed host would ask."""

    def __init__(self, lab: Lab, token: str, network: NetworkName = NetworkName.MGMT) -> None:
        mgmt = lab.sandbox.node("n1").addresses["mgmt"]
        self.base = f"https://{mgmt}:{consul_agent(network).https_port}"
        self.headers = {"X-Consul-Token": token}
        self.authority = str(lab.folder / "pki" / "consul-ca.pem")

    def __call__(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return requests.request(
            method, self.base + path, headers=self.headers, json=body,
            verify=self.authority, timeout=SECONDS,
        )  # fmt: skip

    def status(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> int:
        code: int = self(method, path, body).status_code
        return code


def test_the_operator_sees_the_cluster_but_no_secret_and_changes_nothing(
    cluster: Lab, secrets: Secrets
) -> None:
    for network in NetworkName:
        operator = Asker(cluster, secrets.operator.get_secret_value(), network)
        assert {node["Node"] for node in operator("GET", "/v1/catalog/nodes").json()} == {
            node.name for node in cluster.sandbox.nodes
        }
        for method, path in [
            ("GET", "/v1/kv/bob/secret/secrets.json"),
            ("PUT", "/v1/kv/bob/leader"),
            ("PUT", "/v1/kv/bob/pause"),
            ("DELETE", "/v1/kv/bob/schema"),
            ("GET", "/v1/acl/tokens"),
            ("GET", "/v1/operator/keyring"),
            ("GET", "/v1/snapshot?stale"),
            ("PUT", "/v1/event/fire/stranger"),
            ("PUT", "/v1/session/create"),
            ("PUT", "/v1/agent/force-leave/n2"),
            ("POST", "/v1/operator/raft/transfer-leader"),
        ]:
            assert operator.status(method, path) == REFUSED, (network, path)
    operator = Asker(cluster, secrets.operator.get_secret_value())
    assert operator.status("GET", "/v1/kv/bob/cluster") == 200
    keys = operator("GET", "/v1/kv/?keys").json()
    assert not [key for key in keys if key.startswith("bob/secret/")]


def test_the_secrets_are_kept_in_the_cluster_for_those_who_may_manage_it(
    cluster: Lab, secrets: Secrets
) -> None:
    manager = Asker(cluster, secrets.consul_management[NetworkName.MGMT].get_secret_value())
    kept = {"secrets.json": cluster.folder / "secrets.json"}
    for name in ("consul-ca.pem", "consul-ca-key.pem", "nomad-ca.pem", "nomad-ca-key.pem"):
        kept[name] = cluster.folder / "pki" / name
    keys = manager("GET", "/v1/kv/bob/secret/?keys").json()
    assert {f"bob/secret/{name}" for name in kept} <= set(keys)
    for name, file in kept.items():
        assert manager("GET", f"/v1/kv/bob/secret/{name}?raw").content == file.read_bytes()


def check_of(lab: Lab, node: str, network: NetworkName) -> dict[str, Any]:
    """A check on a node, as a registration in the catalog."""
    return {
        "Node": node,
        "Address": lab.sandbox.node(node).addresses[network.value],
        "SkipNodeUpdate": True,
        "Check": {"Node": node, "CheckID": "stranger", "Name": "stranger", "Status": "passing"},
    }


@pytest.mark.parametrize("network", list(NetworkName))
def test_the_token_of_an_agent_is_good_for_its_own_node_only(
    cluster: Lab, secrets: Secrets, network: NetworkName
) -> None:
    agent = Asker(cluster, secrets.consul_agents["n1"][network].get_secret_value(), network)
    assert agent.status("PUT", "/v1/catalog/register", check_of(cluster, "n1", network)) == 200
    forget = {"Node": "n1", "CheckID": "stranger"}
    assert agent.status("PUT", "/v1/catalog/deregister", forget) == 200
    assert agent.status("PUT", "/v1/catalog/register", check_of(cluster, "n2", network)) == REFUSED
    assert agent.status("PUT", "/v1/catalog/deregister", {"Node": "n2"}) == REFUSED
    assert_powerless(agent)


def test_the_token_of_a_bob_agent_is_good_for_its_own_tasks_only(
    cluster: Lab, secrets: Secrets
) -> None:
    held = json.loads(cluster.on("n1", "cat /etc/bob/agent/agent.json"))
    assert held["token"] == secrets.bob_agents["n1"].get_secret_value()
    agent = Asker(cluster, held["token"])
    assert agent.status("GET", "/v1/kv/bob/cluster") == 200
    assert agent.status("PUT", "/v1/kv/bob/tasks/n1/stranger") == 200
    assert agent.status("DELETE", "/v1/kv/bob/tasks/n1/stranger") == 200
    for method, path in [
        ("PUT", "/v1/kv/bob/tasks/n2/stranger"),
        ("GET", "/v1/kv/bob/tasks/n2/stranger"),
        ("GET", "/v1/kv/bob/secret/nodes/n2/stranger"),
        ("GET", "/v1/kv/bob/secret/secrets.json"),
        ("PUT", "/v1/kv/bob/leader"),
        ("PUT", "/v1/kv/bob/facts/n2"),
        ("PUT", "/v1/session/create"),
    ]:
        assert agent.status(method, path) == REFUSED, path


def test_the_command_line_records_wishes_but_never_touches_the_lock(
    cluster: Lab, secrets: Secrets
) -> None:
    wisher = Asker(cluster, secrets.requests.get_secret_value())
    for method, path in [
        ("PUT", "/v1/kv/bob/leader"),
        ("DELETE", "/v1/kv/bob/leader"),
        ("GET", "/v1/kv/bob/secret/secrets.json"),
        ("PUT", "/v1/kv/bob/nodes/stranger"),
        ("GET", "/v1/acl/tokens"),
    ]:
        assert wisher.status(method, path) == REFUSED, path


def test_the_tokens_of_nomad_and_of_dns_read_no_secret_and_no_key(
    cluster: Lab, secrets: Secrets
) -> None:
    for token in (secrets.dns, secrets.nomad_agents["n1"]):
        assert_powerless(Asker(cluster, token.get_secret_value()))


def assert_powerless(asker: Asker) -> None:
    for method, path in [
        ("GET", "/v1/kv/bob/secret/secrets.json"),
        ("GET", "/v1/kv/bob/cluster"),
        ("PUT", "/v1/kv/stranger"),
        ("GET", "/v1/acl/tokens"),
        ("GET", "/v1/operator/keyring"),
        ("PUT", "/v1/event/fire/stranger"),
        ("GET", "/v1/snapshot?stale"),
    ]:
        assert asker.status(method, path) == REFUSED, path
    assert asker.status("PUT", "/v1/acl/token", {"Description": "stranger"}) == REFUSED
    assert asker("GET", "/v1/kv/?keys").json() == []


def test_gossip_is_encrypted_with_the_one_key_of_its_network(
    cluster: Lab, secrets: Secrets
) -> None:
    nodes = len(cluster.sandbox.nodes)
    for network in NetworkName:
        manager = Asker(cluster, secrets.consul_management[network].get_secret_value(), network)
        assert manager("GET", "/v1/agent/self").json()["Stats"]["serf_lan"]["encrypted"] == "true"
        rings = manager("GET", "/v1/operator/keyring").json()
        key = secrets.consul_gossip[network].get_secret_value()
        assert (
            [ring["Keys"] for ring in rings]
            == [{key: nodes}]
            == [ring["PrimaryKeys"] for ring in rings]
        )
    headers = {"X-Nomad-Token": secrets.nomad_management.get_secret_value()}
    authority = str(cluster.folder / "pki" / "nomad-ca.pem")
    for node in cluster.sandbox.nodes:
        base = f"https://{node.addresses['mgmt']}:{NOMAD_HTTP_PORT}/v1/agent"

        def get(path: str, base: str = base) -> Any:
            return requests.get(
                base + path, headers=headers, verify=authority, timeout=SECONDS
            ).json()

        assert get("/self")["stats"]["serf"]["encrypted"] == "true"
        assert set(get("/keyring/list")["Keys"]) == {secrets.nomad_gossip.get_secret_value()}


def test_gossip_keys_differ_between_networks(secrets: Secrets) -> None:
    keys = [key.get_secret_value() for key in secrets.consul_gossip.values()]
    assert len({*keys, secrets.nomad_gossip.get_secret_value()}) == len(NetworkName) + 1
