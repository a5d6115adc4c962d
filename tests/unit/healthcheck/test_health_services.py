"""Services that are asked in their own language, and everything else that may sit on their port."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bob.clients.consul import ServiceInstance
from healthcheck.cluster import services

HANDSHAKE = b"J\0\0\0\x0a10.11.18-MariaDB\0"  # protocol 10, then the version
REFUSAL = b"E\0\0\0\xff\x10\x04#08004Too many connections"
KEYSTONE = json.dumps({"version": {"id": "v3.14", "status": "stable"}}).encode()


def http(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@contextmanager
def saying(words: bytes, *, waits: bool) -> Iterator[ServiceInstance]:
    """A service that says `words` to whoever comes, and with `waits` only after being asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                if waits:
                    connection.recv(4096)
                connection.sendall(words)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield instance(server.getsockname()[1])
        thread.join(30)


def instance(port: int) -> ServiceInstance:
    return ServiceInstance("n1", "x", "x", "127.0.0.1", port, (), ())


@pytest.mark.parametrize(
    ("ask", "words", "told"),
    [
        (services.keystone, http(KEYSTONE), ""),
        (services.keystone, http(b"{}"), "something else than Keystone answers"),
        (services.keystone, http(b"[]"), "something else than Keystone answers"),
        (services.keystone, http(b"<html>"), "not JSON"),
        (services.keystone, http(b"", "503 Service Unavailable"), "503"),
        (services.database, HANDSHAKE, ""),
        (services.database, REFUSAL, "Too many connections"),
        (services.database, b"SSH-2.0-OpenSSH", "it does not greet as a database"),
        (services.database, b"", "it does not greet as a database"),
    ],
)
def test_only_the_right_program_counts_as_an_answer(
    ask: Callable[[ServiceInstance], str], words: bytes, told: str
) -> None:
    with saying(words, waits=ask is services.keystone) as found:
        said = ask(found)
    assert told in said and bool(told) == bool(said)


@pytest.mark.parametrize("ask", [services.keystone, services.database])
def test_nobody_there_is_told(ask: Callable[[ServiceInstance], str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "refused" in ask(instance(port)).lower()


class Catalog:
    """Of a cluster with one database and nothing else that we can talk to."""

    def services(self, *, stale: bool) -> dict[str, tuple[str, ...]]:
        return {"mariadb": (), "rabbitmq": ()}

    def service(self, name: str, *, stale: bool) -> tuple[ServiceInstance, ...]:
        assert name == "mariadb"
        return (self.only,)

    def __init__(self, only: ServiceInstance) -> None:
        self.only = only


class Consul:
    def __init__(self, only: ServiceInstance) -> None:
        self.catalog = Catalog(only)


def test_what_is_not_deployed_is_not_asked() -> None:
    with saying(HANDSHAKE, waits=False) as found:
        (answer,) = services.ask(Consul(found))  # type: ignore[arg-type]
    assert (answer.service, answer.node, answer.error) == ("mariadb", "n1", "")
