"""What consul-template makes of a real catalog is what a real haproxy takes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendering import KEEPALIVED, SECONDS, SHARED, deregister_all, register, render

from bob.catalogue import Catalogue
from bob.clients.consul import Consul
from jobs.haproxy.haptcp import read

SERVICES = {
    "web": ["routed-by-haproxy"],
    "api": ["routed-by-haproxy", "haproxy-port=5000", "haproxy-check=/healthy"],
    "db": ["routed-by-haproxy", "haproxy-port=3306", "haproxy-mode=tcp"],
    "lonely": ["haproxy-port=7000"],
    "own": ["routed-by-haproxy", "haproxy-port=9004"],  # 9004 and 9005 are those of the instances
    "sql": ["routed-by-haproxy", "haproxy-port=9005", "haproxy-mode=tcp"],
}
ENVIRONMENT = {
    "NOMAD_IP_http": "127.0.0.1",
    "NOMAD_PORT_http": "8080",
    "NOMAD_ADDR_http": "127.0.0.1:8080",
    "HEALTH_PATH": "/health",
    "ADMIN_SOCKET": "/run/bob/haproxy/admin.sock",
}


@pytest.fixture(params=["", "127.0.0.9"], ids=["no shared address", "a shared address"])
def address(request: pytest.FixtureRequest) -> str:
    """What keepalived is configured with."""
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["keepalived", "no keepalived"])
def deployed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def shared(address: str, deployed: bool) -> str:
    """An address that nothing brings to a host is nobody's."""
    return address if deployed else ""


@pytest.fixture
def consul(brisk_consul: Consul, address: str, deployed: bool) -> Iterator[Consul]:
    """With an instance of each service."""
    for port, (name, tags) in enumerate(SERVICES.items(), start=9000):
        register(brisk_consul, name, "10.0.0.7", port, *tags)
    if address:
        brisk_consul.kv.put(SHARED, address)
    if deployed:
        brisk_consul.kv.put(KEEPALIVED, "{}")
    yield brisk_consul
    deregister_all(brisk_consul)


def test_the_entry_has_a_path_and_a_port_for_what_is_http(
    consul: Consul, tmp_path: Path, shared: str
) -> None:
    text = Catalogue().text("haproxy", "templates/haproxy.cfg")
    file = render(consul, text, tmp_path, ENVIRONMENT)
    command = ["haproxy", "-c", "-f", file]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert checked.returncode == 0, checked.stderr
    made = file.read_text()
    assert "server s1 10.0.0.7:9000\n" in made
    assert "server s16 127.0.0.1:1 disabled\n" in made
    assert "option httpchk GET /healthy\n" in made
    assert f"bind {shared or '127.0.0.1'}:5000" in made
    # Where an instance may have it, or start again any moment, the port is not for us.
    assert (":9004 transparent" in made) == bool(shared)
    assert "bind 127.0.0.1:9004" not in made
    for name in ("db", "lonely", "3306", "7000"):
        assert name not in made


def test_what_is_not_http_gets_a_door(consul: Consul, tmp_path: Path, shared: str) -> None:
    file = render(consul, Catalogue().text("haproxy", "tcp.list"), tmp_path, ENVIRONMENT)
    doors = {"db": f"{shared or '127.0.0.1'}:3306"}
    assert read(file.read_text()) == doors | ({"sql": f"{shared}:9005"} if shared else {})
