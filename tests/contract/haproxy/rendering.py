"""Files of services as Nomad renders them on a node: by consul-template, from a real Consul."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from bob import toolchain
from bob.clients.consul import Consul

SECONDS = 60
SHARED = "config/keepalived/params/address"
KEEPALIVED = "bob/services/keepalived"  # is there as long as the service is deployed
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


def register(consul: Consul, name: str, address: str, port: int = 1, *tags: str) -> None:
    """An instance of a service."""
    body = {"ID": f"{name}-{address}", "Name": name, "Address": address, "Port": port, "Tags": tags}
    consul.http.request("PUT", "/v1/agent/service/register", body=body)


def deregister_all(consul: Consul) -> None:
    """No instance is left, no shared address, and nothing to bring one along."""
    for ident in consul.http.request("GET", "/v1/agent/services").json():
        consul.http.request("PUT", f"/v1/agent/service/deregister/{ident}")
    consul.kv.delete(SHARED)
    consul.kv.delete(KEEPALIVED)


def render(consul: Consul, text: str, folder: Path, environment: Mapping[str, str]) -> Path:
    """The file that is made of a text."""
    program = toolchain.ensure(["consul-template"]).tools["consul-template"].path
    http = consul.http
    config = CONFIG.replace("ADDRESS", http.address.removeprefix("https://"))
    config = config.replace("TOKEN", str(http._headers["X-Consul-Token"]))
    (folder / "config.hcl").write_text(config.replace("CA", str(http._verify)))
    (folder / "in").write_text(text)
    command = [program, "-once", f"-config={folder / 'config.hcl'}"]
    subprocess.run(
        [*command, f"-template={folder / 'in'}:{folder / 'out'}"],
        check=True, timeout=SECONDS, env=dict(environment),
    )  # fmt: skip
    return folder / "out"
