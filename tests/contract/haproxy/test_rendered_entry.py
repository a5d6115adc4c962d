"""What consul-template makes of a real catalog is what a real haproxy takes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bob import toolchain
from bob.catalogue import Catalogue
from bob.clients.consul import Consul
from jobs.haproxy.haptcp import read

SECONDS = 60
SHARED = "config/keepalived/params/address"
SERVICES = {
    "web": ["routed-by-haproxy"],
    "api": ["routed-by-haproxy", "haproxy-port=5000", "haproxy-check=/healthy"],
    "db": ["routed-by-haproxy", "haproxy-port=3306", "haproxy-mode=tcp"],
    "lonely": ["haproxy-port=7000"],
}
CONFIG = """\
consul {
  address = "ADDRESS"
  token   = "TOKEN"
  ssl {
    enabled = true
    ca_cert = "CA"
  }
}
"""


@pytest.fixture
def consul(brisk_consul: Consul) -> Iterator[Consul]:
    """With an instance of each service."""
    for number, (name, tags) in enumerate(SERVICES.items(), start=9000):
        body = {"Name": name, "Address": "10.0.0.7", "Port": number, "Tags": tags}
        brisk_consul.http.request("PUT", "/v1/agent/service/register", body=body)
    yield brisk_consul
    for name in SERVICES:
        brisk_consul.http.request("PUT", f"/v1/agent/service/deregister/{name}")
    brisk_consul.kv.delete(SHARED)


def render(consul: Consul, file: str, folder: Path) -> str:
    """A file of the service as Nomad would render it on the node."""
    program = toolchain.ensure(["consul-template"]).tools["consul-template"].path
    http = consul.http
    text = CONFIG.replace("ADDRESS", http.address.removeprefix("https://"))
    text = text.replace("TOKEN", str(http._headers["X-Consul-Token"]))
    (folder / "config.hcl").write_text(text.replace("CA", str(http._verify)))
    (folder / "in").write_text(Catalogue().text("haproxy", file))
    subprocess.run(
        [program, "-once", f"-config={folder / 'config.hcl'}",
         f"-template={folder / 'in'}:{folder / 'out'}"],
        check=True, timeout=SECONDS,
        env={
            "NOMAD_IP_http": "127.0.0.1", "NOMAD_PORT_http": "8080",
            "NOMAD_ADDR_http": "127.0.0.1:8080", "HEALTH_PATH": "/health",
            "ADMIN_SOCKET": str(folder / "admin.sock"),
        },
    )  # fmt: skip
    return (folder / "out").read_text()


@pytest.mark.parametrize("shared", ["", "127.0.0.9"])
def test_the_entry_has_a_path_and_a_port_for_what_is_http(
    consul: Consul, tmp_path: Path, shared: str
) -> None:
    if shared:
        consul.kv.put(SHARED, shared)
    made = render(consul, "templates/haproxy.cfg", tmp_path)
    checked = subprocess.run(
        ["haproxy", "-c", "-f", tmp_path / "out"], capture_output=True, text=True, timeout=SECONDS
    )
    assert checked.returncode == 0, checked.stderr
    assert "server s1 10.0.0.7:9000\n" in made
    assert "server s16 127.0.0.1:1 disabled\n" in made
    assert "option httpchk GET /healthy\n" in made
    assert f"bind {shared or '127.0.0.1'}:5000" in made
    for name in ("db", "lonely", "3306", "7000"):
        assert name not in made


@pytest.mark.parametrize("shared", ["", "127.0.0.9"])
def test_what_is_not_http_gets_a_door(consul: Consul, tmp_path: Path, shared: str) -> None:
    if shared:
        consul.kv.put(SHARED, shared)
    made = render(consul, "tcp.list", tmp_path)
    assert read(made) == {"db": f"{shared or '127.0.0.1'}:3306"}
