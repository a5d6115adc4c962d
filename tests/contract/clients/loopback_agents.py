"""A real Consul and a real Nomad agent on the loopback address, with TLS and ACLs."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bob.clients.http import Unreachable
from bob.clients.nomad import Nomad
from bob.waiting import wait_for

DATACENTER = "test"
START_SECONDS = 60.0
PORTS = range(20_000, 32_000)  # below those that the kernel gives to whoever connects
GOSSIP_KEY = "m1UY6z1MfQKYpQJJjqQb3S7h1VjP3V9mQnJ0l1wq3hY="


@dataclass(frozen=True)
class RunningAgent:
    address: str
    token: str
    ca_file: Path
    gossip_port: int


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses now, on TCP and UDP."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            tcp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            port = random.choice(PORTS)
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
        return ports


@contextmanager
def consul_agent(binary: Path, folder: Path, **settings: object) -> Iterator[RunningAgent]:
    """A Consul server with ACLs on deny, HTTPS and gossip encryption; its state is in memory.

    `settings` are added to its configuration.
    """
    run_tool(binary, folder, "tls", "ca", "create")
    run_tool(binary, folder, "tls", "cert", "create", "-server", "-dc", DATACENTER)
    https, rpc, gossip = free_ports(3)
    token = str(uuid.uuid4())
    ca_file = folder / "consul-agent-ca.pem"
    config = {
        "datacenter": DATACENTER,
        "node_name": "host11",
        "bind_addr": "127.0.0.1",
        "client_addr": "127.0.0.1",
        "encrypt": GOSSIP_KEY,
        "ports": {
            "https": https, "server": rpc, "serf_lan": gossip,
            "http": -1, "dns": -1, "grpc": -1, "grpc_tls": -1, "serf_wan": -1,
        },
        "acl": {
            "enabled": True,
            "default_policy": "deny",
            "tokens": {"initial_management": token, "agent": token},
        },
        "tls": {"defaults": {
            "ca_file": str(ca_file),
            "cert_file": str(folder / f"{DATACENTER}-server-consul-0.pem"),
            "key_file": str(folder / f"{DATACENTER}-server-consul-0-key.pem"),
        }},
        **settings,
    }  # fmt: skip
    file = folder / "consul.json"
    file.write_text(json.dumps(config))
    with running([str(binary), "agent", "-dev", f"-config-file={file}"], folder / "consul.log"):
        yield RunningAgent(f"https://127.0.0.1:{https}", token, ca_file, gossip)


@contextmanager
def nomad_agent(binary: Path, folder: Path, **settings: object) -> Iterator[RunningAgent]:
    """A Nomad server and client with ACLs and HTTPS, and the raw_exec driver.

    `settings` are added to its configuration, those of a block to the block.
    """
    run_tool(binary, folder, "tls", "ca", "create")
    run_tool(binary, folder, "tls", "cert", "create", "-server")
    http, rpc, gossip = free_ports(3)
    ca_file = folder / "nomad-agent-ca.pem"
    config: dict[str, Any] = {
        "name": "host11",
        "bind_addr": "127.0.0.1",
        "ports": {"http": http, "rpc": rpc, "serf": gossip},
        "acl": {"enabled": True},
        "client": {"cpu_total_compute": 1000, "memory_total_mb": 512, "network_interface": "lo"},
        "consul": {"client_auto_join": False, "server_auto_join": False, "auto_advertise": False},
        "tls": {
            "http": True,
            "rpc": True,
            "ca_file": str(ca_file),
            "cert_file": str(folder / "global-server-nomad.pem"),
            "key_file": str(folder / "global-server-nomad-key.pem"),
            "verify_https_client": False,
        },
        "disable_update_check": True,
    }
    for name, value in settings.items():
        config[name] = {**config.get(name, {}), **value} if isinstance(value, dict) else value
    file = folder / "nomad.json"
    file.write_text(json.dumps(config))
    with running([str(binary), "agent", "-dev", f"-config={file}"], folder / "nomad.log"):
        yield RunningAgent(f"https://127.0.0.1:{http}", str(uuid.uuid4()), ca_file, gossip)


@contextmanager
def running(command: list[str], log: Path) -> Iterator[None]:
    """The program runs inside of the block, in an environment of its own; it writes to `log`."""
    environment = {"PATH": os.environ["PATH"]}  # no proxy or cloud settings of this machine
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, env=environment
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def run_tool(binary: Path, folder: Path, *arguments: str) -> None:
    """A short call of the program that writes files into `folder`."""
    subprocess.run([binary, *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def ready_nomad(agent: RunningAgent) -> Nomad:
    """A client with the management token of a bootstrapped Nomad whose node is ready."""
    client = Nomad(agent.address, agent.token, agent.ca_file)

    def led() -> bool:
        try:
            return bool(client.leader())
        except Unreachable:
            return False

    wait_for(led, what="Nomad has a leader", deadline=START_SECONDS)
    assert client.acl.bootstrap(agent.token) is True
    wait_for(
        lambda: any(node.ready for node in client.state.nodes()),
        what="the Nomad node is ready",
        deadline=START_SECONDS,
    )
    return client
