"""Asks services in their own language, where the catalog says that they run.

A check in Consul says that a port answers; these say that the right program does.
"""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bob.clients.consul import Consul, ServiceInstance
from bob.clients.http import Http
from bob.clients.light import LightHttp
from bob.errors import BobError
from healthcheck.cluster.facts import Answer, Ceph
from healthcheck.node.children import Children

SECONDS = 3.0
CEPH_SECONDS = 15.0
CEPH_CONFIG = Path("/etc/ceph/ceph.conf")
GREETING_BYTES = 4096
PROTOCOL = 10  # MySQL's, the first byte of a greeting; 255 begins an error
ERROR = 255


def ask(consul: Consul) -> tuple[Answer, ...]:
    """Every instance of the services that we can talk to; none of those that are not deployed."""
    there = consul.catalog.services(stale=True)
    return tuple(
        Answer(service, instance.node, talk(instance))
        for service, talk in LANGUAGES.items()
        if service in there
        for instance in consul.catalog.service(service, stale=True)
    )


def keystone(instance: ServiceInstance) -> str:
    """Why it does not answer as Keystone does, or "". It tells its versions to anybody."""
    url = f"http://{instance.address}:{instance.port}"
    client: Http = LightHttp([url], {}, None, SECONDS, "")
    try:
        document = client.request("GET", "/v3").json()
    except BobError as error:
        return error.message
    known = isinstance(document, Mapping) and "version" in document
    return "" if known else "something else than Keystone answers"


def database(instance: ServiceInstance) -> str:
    """Why it does not greet as MariaDB does, or "". The greeting comes before any login.

    See the MySQL protocol, "Connection Phase": four bytes of head, then protocol or error.
    """
    try:
        with socket.create_connection((instance.address, instance.port), SECONDS) as connection:
            greeting = connection.recv(GREETING_BYTES)
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    if len(greeting) > 6 and greeting[4] == ERROR:
        return greeting[7:].decode(errors="replace").strip()
    return (
        "" if len(greeting) > 4 and greeting[4] == PROTOCOL else "it does not greet as a database"
    )


LANGUAGES: Mapping[str, Callable[[ServiceInstance], str]] = {
    "keystone": keystone,
    "mariadb": database,
    "galera": database,
}
"""By the name of the service in the catalog."""


def ceph(children: Children) -> Ceph | None:
    """What Ceph says of itself; None where this host is no client of any Ceph."""
    if shutil.which("ceph") is None or not CEPH_CONFIG.exists():
        return None
    argv = ("ceph", "health", "--format", "json", "--connect-timeout", "10")
    ended = children.run("ceph", argv, CEPH_SECONDS)
    if ended.code:
        return Ceph("HEALTH_ERR", (("", "its monitors do not answer"),))
    return parse_ceph(json.loads(ended.output))


def parse_ceph(document: Mapping[str, object]) -> Ceph:
    """The answer of `ceph health --format json`."""
    checks = document.get("checks")
    items: Iterable[tuple[str, Mapping[str, Mapping[str, str]]]] = (
        checks.items() if isinstance(checks, dict) else ()
    )
    return Ceph(
        str(document.get("status", "")),
        tuple((name, check["summary"]["message"]) for name, check in items),
    )
