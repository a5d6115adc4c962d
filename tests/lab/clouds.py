"""OpenStack and what it needs on real hosts, as an operator deploys it, and ways to ask it."""

from __future__ import annotations

import json
import shlex
import socket
from dataclasses import dataclass
from typing import Any

import openstack
from end_state import consul, nomad
from harness import Lab

from bob.clients.consul import ServiceInstance
from bob.clients.nomad import Allocation

IMAGES = ("glance", "keystone", "mariadb", "memcached", "placement", "rabbitmq", "redis")
SERVICES = (
    "demo", "glance", "keepalived", "keystone", "page", "placement", "rabbitmq", "redis", "vm",
)  # fmt: skip
BUILD_SECONDS = 1500.0  # an empty cache: debootstrap and packages on a slow, shared machine
DEPLOY_SECONDS = 600.0

# Run in a container that has the library: argv is the host, the password, and what to do.
MESSAGES = """
import sys, amqp
host, password, action, *text = sys.argv[1:]
with amqp.Connection(f"{host}:5672", userid="bob", password=password, confirm_publish=True,
                     connect_timeout=5, read_timeout=20, write_timeout=20) as connection:
    channel = connection.channel()
    channel.queue_declare("lab", durable=True, auto_delete=False,
                          arguments={"x-queue-type": "quorum"})
    if action == "send":
        channel.basic_publish_confirm(amqp.Message(text[0], delivery_mode=2), routing_key="lab")
    else:
        message = channel.basic_get("lab", no_ack=True)
        print(message.body if message else "")
"""


@dataclass(frozen=True)
class Cloud:
    """A cluster with services; `lab` runs the operator's commands."""

    lab: Lab

    @property
    def shared(self) -> str:
        """The address that moves."""
        return self.lab.sandbox.layout.shared_address

    def bob(self, *words: str, code: int = 0, seconds: float = DEPLOY_SECONDS) -> str:
        """What a command prints."""
        found = self.lab.bob(*words, "--cluster", self.lab.sandbox.name, code=code, seconds=seconds)
        return str(found.stdout)

    def asked(self, *words: str) -> Any:
        """What a command prints as JSON."""
        return json.loads(self.bob(*words, "-o", "json"))

    def bring_up(self, *services: str) -> dict[str, Any]:
        """Images into the registry, one cluster, one address, and services on it."""
        self.lab.bob("images", "build", *IMAGES, seconds=BUILD_SECONDS)
        self.lab.bob("images", "push", *IMAGES, "--sandbox", self.lab.sandbox.name)
        self.lab.init()
        self.bob("config", "set", "keepalived", f"address={self.shared}", "--yes")
        found: dict[str, Any] = self.asked("deploy", *services, "--yes")
        return found

    def environment(self) -> dict[str, str]:
        """What `bob shellenv --openstack` exports for OpenStack's programs."""
        lines = [shlex.split(line) for line in self.bob("shellenv", "--openstack").splitlines()]
        pairs = (words[1].partition("=") for words in lines if words[0] == "export")
        return {name: value for name, _, value in pairs if name.startswith("OS_")}

    def openstack(self) -> openstack.connection.Connection:
        """OpenStack's own client, logged in as admin, through the entry."""
        given = self.environment()
        return openstack.connect(
            load_envvars=False,
            load_yaml_config=False,
            auth_url=given["OS_AUTH_URL"],
            username=given["OS_USERNAME"],
            password=given["OS_PASSWORD"],
            project_name=given["OS_PROJECT_NAME"],
            user_domain_id=given["OS_USER_DOMAIN_ID"],
            project_domain_id=given["OS_PROJECT_DOMAIN_ID"],
            region_name=given["OS_REGION_NAME"],
        )

    def instances(self, service: str) -> tuple[ServiceInstance, ...]:
        """Those that pass their checks."""
        return tuple(each for each in consul(self.lab).catalog.service(service) if each.passing)

    def allocations(self, job: str) -> dict[str, Allocation]:
        """Those that run and are to run, by id."""
        found = nomad(self.lab).state.allocations(job)
        return {each.id: each for each in found if each.running and each.desired == "run"}

    def in_container(self, job: str, task: str, *argv: str, without: str = "") -> str:
        """Output of a command in the task of one instance, on any node but `without`."""
        found = [a for a in self.allocations(job).values() if a.node_name != without]
        container = f"{task}-{found[0].id}"
        return self.lab.run(found[0].node_name, ["docker", "exec", container, *argv])

    def message(self, host: str, *action: str, without: str = "") -> str:
        """Send or take a message at the RabbitMQ node of a host."""
        password = self.bob("config", "get", "rabbitmq", "--reveal", "password").strip()
        argv = ("python3", "-c", MESSAGES, host, password, *action)
        return self.in_container("keystone", "keystone", *argv, without=without).strip()

    def holders(self) -> set[str]:
        """The nodes that have the shared address."""
        look = f"ip -4 -oneline address show to {self.shared}"
        names = [node.name for node in self.lab.sandbox.nodes]
        return {name for name in names if self.lab.on(name, look, check=False).strip()}


def say_to(address: str, port: int, text: bytes, seconds: float = 120.0) -> bytes:
    """The line that a TCP port answers."""
    with socket.create_connection((address, port), timeout=seconds) as connection:
        connection.sendall(text)
        with connection.makefile("rb") as lines:
            return lines.readline()
