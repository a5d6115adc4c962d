"""Agents and connections that do not belong to the cluster stay out; those that do get in.

Every refusal is compared with the same attempt made with the right key or certificate.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import requests
from harness import Lab

from bob.provision import secrets as secrets_file
from bob.provision.agents import BIN_DIR, CONSUL_GOSSIP_PORT, CONSUL_RPC_PORT, NOMAD_RPC_PORT
from bob.provision.issuing import KeyPair, LeafRequest, create_authority, issue
from bob.provision.secrets import Secrets
from bob.waiting import wait_for
from inventory import NetworkName

pytestmark = pytest.mark.lab

NETWORK = NetworkName.STORAGE
HTTPS = 8511  # of the Consul agent of that network
HOST, PEER = "n1", "n2"
DEADLINE = 60.0
NOW = datetime.now(UTC)

# First byte of a connection: TLS follows (consul agent/pool/conn.go, nomad helper/pool/conn.go).
CONSUL_TLS, NOMAD_TLS = b"\x03", b"\x04"
CONSUL_PLAIN, NOMAD_PLAIN = b"\x02", b"\x03"


@pytest.fixture(scope="module")
def secrets(cluster: Lab) -> Secrets:
    return secrets_file.load(cluster.folder / "secrets.json", cluster.sandbox.name)


def pki(lab: Lab, product: str) -> KeyPair:
    """The cluster's own authority."""
    folder = lab.folder / "pki"
    certificate = folder / f"{product}-ca.pem"
    return KeyPair(certificate.read_bytes(), (folder / f"{product}-ca-key.pem").read_bytes())


def certificate_from(authority: KeyPair, name: str) -> KeyPair:
    return issue(authority, LeafRequest((name, "localhost"), (IPv4Address("127.0.0.1"),)), NOW)


# ---- agents


class Stranger:
    """A further Consul client agent on a host, with its own ports, folder and credentials."""

    def __init__(self, lab: Lab, name: str, port: int, gossip_key: str, leaf: KeyPair) -> None:
        self.lab, self.name, self.port = lab, name, port
        self.folder = f"/run/{name}"
        addresses = {node.name: node.addresses[NETWORK.value] for node in lab.sandbox.nodes}
        config = {
            "datacenter": f"{lab.sandbox.name}-{NETWORK.value}",
            "node_name": name,
            "data_dir": f"{self.folder}/data",
            "bind_addr": addresses[HOST],
            "retry_join": [f"{addresses[PEER]}:{CONSUL_GOSSIP_PORT}"],
            "retry_interval": "1s",
            "encrypt": gossip_key,
            "ports": {"http": port, "dns": -1, "grpc": -1, "grpc_tls": -1,
                      "server": port + 1, "serf_lan": port + 2, "serf_wan": -1},
            "tls": {"defaults": {"ca_file": f"{self.folder}/ca.pem",
                                 "cert_file": f"{self.folder}/leaf.pem",
                                 "key_file": f"{self.folder}/key.pem",
                                 "verify_outgoing": True},
                    "internal_rpc": {"verify_server_hostname": True}},
            "acl": {"enabled": True},
        }  # fmt: skip
        self.files = {
            "consul.json": json.dumps(config),
            # It trusts the cluster: whatever refuses it is the cluster.
            "ca.pem": pki(lab, "consul").certificate.decode(),
            "leaf.pem": leaf.certificate.decode(),
            "key.pem": leaf.key.decode(),
        }

    def start(self) -> None:
        """Write the files and start the agent; remember its process id."""
        self._host(f"mkdir -m 700 {self.folder}")
        for name, content in self.files.items():
            self._host(f"umask 077; cat >{self.folder}/{name}", content)
        self.pid = int(
            self._host(
                f"cd {self.folder}; setsid {BIN_DIR}/consul agent -config-file=consul.json "
                ">log 2>&1 </dev/null & echo $!"
            )
        )

    def stop(self) -> None:
        """End the process (a client leaves its pool when it can) and remove its files."""
        ended = f"! kill -0 {self.pid} 2>/dev/null"
        self._host(f"kill {self.pid}")
        wait_for(lambda: self._true(ended), what=f"end of {self.name}", deadline=DEADLINE)
        self._host(f"rm -r {self.folder}")

    def log(self) -> str:
        return self._host(f"cat {self.folder}/log")

    def ask(self, path: str, token: str) -> requests.Response | None:
        """The status and answer of its API, asked inside its host. None while it starts."""
        script = f"curl -s -w '\\n%{{http_code}}' -H @- http://127.0.0.1:{self.port}{path}"
        body, _, status = self._host(f"{script} || true", f"X-Consul-Token: {token}").rpartition(
            "\n"
        )
        answer = requests.Response()
        answer.status_code, answer._content = int(status or 0), body.encode()
        return answer if answer.status_code else None

    def _host(self, script: str, text: str = "") -> str:
        return subprocess.run(
            self.lab.sandbox.ssh_command(HOST, ["sh", "-c", script]), input=text,
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout  # fmt: skip

    def _true(self, script: str) -> bool:
        command = self.lab.sandbox.ssh_command(HOST, ["sh", "-c", script])
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=60).returncode == 0


class Pool:
    """The members of the network, as its servers know them."""

    def __init__(self, lab: Lab, secrets: Secrets) -> None:
        self.lab = lab
        self.token = secrets.consul_management[NETWORK].get_secret_value()
        self.headers = {"X-Consul-Token": self.token}
        self.authority = str(lab.folder / "pki" / "consul-ca.pem")

    def _request(self, method: str, node: str, path: str) -> Any:
        base = f"https://{self.lab.sandbox.node(node).addresses['mgmt']}:{HTTPS}"
        answer = requests.request(
            method, base + path, headers=self.headers, verify=self.authority, timeout=30
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def known(self) -> dict[str, set[str]]:
        """Server -> names of all members that it has heard of."""
        servers = [node.name for node in self.lab.sandbox.nodes]
        return {
            server: {one["Name"] for one in self._request("GET", server, "/v1/agent/members")}
            for server in servers
        }

    def members(self) -> set[str]:
        """Names that any server has heard of."""
        return set().union(*self.known().values())

    def rid_of(self, names: set[str]) -> bool:
        """Strike members that have ended off the lists. True when no server lists one any more.

        Repeated, since a server may learn again of a member from one that had not heard yet.
        """
        listed = [(server, name) for server, all_ in self.known().items() for name in names & all_]
        for server, name in listed:
            with contextlib.suppress(requests.HTTPError):  # struck off there in the meantime
                self._request("PUT", server, f"/v1/agent/force-leave/{name}?prune")
        return not listed


@pytest.fixture(scope="module")
def strangers(cluster: Lab, secrets: Secrets) -> Iterator[dict[str, Stranger]]:
    """Three agents that differ in one thing each: the right one, a wrong key, a wrong authority."""
    leaf = f"client.{cluster.sandbox.name}-{NETWORK.value}.consul"
    right_key = secrets.consul_gossip[NETWORK].get_secret_value()
    wrong_key = base64.b64encode(os.urandom(32)).decode()
    right = certificate_from(pki(cluster, "consul"), leaf)
    wrong = certificate_from(create_authority("Another authority", NOW), leaf)
    made = {
        "right": Stranger(cluster, "stranger-right", 9500, right_key, right),
        "key": Stranger(cluster, "stranger-key", 9510, wrong_key, right),
        "authority": Stranger(cluster, "stranger-authority", 9520, right_key, wrong),
    }
    pool = Pool(cluster, secrets)
    with contextlib.ExitStack() as undo:
        for stranger in made.values():
            stranger.start()
            undo.callback(stranger.stop)
        yield made
    names = {stranger.name for stranger in made.values()}
    wait_for(
        lambda: pool.rid_of(names), what="a pool without strangers", deadline=DEADLINE, interval=1
    )
    wait_for(cluster.healthy, what="a healthy cluster", deadline=DEADLINE)


def test_an_agent_with_another_gossip_key_never_becomes_a_member(
    cluster: Lab, secrets: Secrets, strangers: dict[str, Stranger]
) -> None:
    pool = Pool(cluster, secrets)
    wait_for(
        lambda: "stranger-right" in pool.members(), what="the right agent in", deadline=DEADLINE
    )
    wait_for(
        lambda: strangers["key"].log().count("Join cluster failed") >= 3,
        what="three refused attempts",
        deadline=DEADLINE,
    )
    assert strangers["key"].name not in pool.members()


def test_an_agent_with_a_certificate_of_another_authority_gets_no_answer(
    secrets: Secrets, strangers: dict[str, Stranger]
) -> None:
    """Also not when it stole the gossip key and a token: servers do not talk to it."""
    token = secrets.consul_management[NETWORK].get_secret_value()

    def answered(name: str, status: int) -> str | None:
        answer = strangers[name].ask("/v1/catalog/nodes", token)
        return answer.text if answer is not None and answer.status_code == status else None

    nodes = wait_for(lambda: answered("right", 200), what="an answer", deadline=DEADLINE)
    assert PEER in {node["Node"] for node in json.loads(nodes)}
    wait_for(
        lambda: (
            "bad certificate" in strangers["authority"].log()
            or "unknown certificate authority" in strangers["authority"].log()
        ),
        what="a refused certificate",
        deadline=DEADLINE,
    )
    assert answered("authority", 500)


# ---- connections


def accepts(
    folder: Path,
    address: tuple[str, int],
    first: bytes,
    authority: KeyPair,
    leaf: KeyPair | None,
    patience: float,
) -> bool:
    """Whether a server goes on talking TLS on its RPC port with whoever holds `leaf`.

    A server that accepts waits for the first request; `patience` (seconds) is how long it may
    take to refuse.
    """
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    context.check_hostname = False  # the name is server.<datacenter>, not the address
    if leaf is not None:
        (folder / "leaf.pem").write_bytes(leaf.certificate + leaf.key)
        context.load_cert_chain(folder / "leaf.pem")
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(first)
        try:
            with context.wrap_socket(connection) as secured:
                secured.settimeout(patience)
                return secured.recv(1) != b""
        except TimeoutError:
            return True
        except (ssl.SSLError, ConnectionError):
            return False


@pytest.mark.parametrize(
    ("product", "first", "port", "network"),
    [("consul", CONSUL_TLS, CONSUL_RPC_PORT, "mgmt"), ("nomad", NOMAD_TLS, NOMAD_RPC_PORT, "mgmt")],
)
def test_rpc_takes_only_certificates_of_the_cluster(
    cluster: Lab, tmp_path: Path, product: str, first: bytes, port: int, network: str
) -> None:
    own = pki(cluster, product)
    name = "client.global.nomad" if product == "nomad" else f"client.{cluster.sandbox.name}.consul"
    foreign = certificate_from(create_authority("Another authority", NOW), name)
    other_part = certificate_from(
        pki(cluster, "nomad" if product == "consul" else "consul"), name
    )  # a key stolen from Nomad opens nothing in Consul
    for node in cluster.sandbox.nodes:
        address = (node.addresses[network], port)
        assert accepts(tmp_path, address, first, own, certificate_from(own, name), 1)
        for leaf in (foreign, other_part, None):
            assert not accepts(tmp_path, address, first, own, leaf, 30)


@pytest.mark.parametrize(
    ("first", "port"), [(CONSUL_PLAIN, CONSUL_RPC_PORT), (NOMAD_PLAIN, NOMAD_RPC_PORT)]
)
def test_rpc_without_tls_is_cut_off(cluster: Lab, first: bytes, port: int) -> None:
    for node in cluster.sandbox.nodes:
        with socket.create_connection((node.addresses["mgmt"], port), timeout=30) as connection:
            connection.sendall(first)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
