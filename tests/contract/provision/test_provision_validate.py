"""The real programs accept the configuration that is rendered for them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bob import toolchain
from bob.provision import pki, secrets
from bob.provision.certificates import node_certificates
from bob.provision.node_files import files_for
from bob.provision.resolver import Resolver
from inventory.model import Cluster

SERVERS = ("host1", "host2", "host3")
THIRD = {"mgmt": 101, "storage": 102, "tenant": 103}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one folder per node that holds its files; /etc/bob is moved into it."""
    cluster = Cluster.model_validate(
        {
            "name": "c1",
            "networks": {name: {"cidr": f"10.{third}.0.0/16"} for name, third in THIRD.items()},
            "nodes": [
                {
                    "name": f"host{number}",
                    "addresses": {name: f"10.{third}.0.{number}" for name, third in THIRD.items()},
                }
                for number in range(1, 5)
            ],
        }
    )
    folder, now = tmp_path_factory.mktemp("rendered"), datetime.now(UTC)
    some_secrets = secrets.load_or_create(folder / "secrets.json", cluster)
    authorities = pki.load_or_create_authorities(folder / "pki", cluster.name, now)
    for node in cluster.nodes:
        certificates = node_certificates(
            folder / "pki", authorities, cluster, node, now, server=node.name in SERVERS
        )
        resolver = Resolver(upstream=("10.0.0.53",))
        files = files_for(cluster, node, SERVERS, some_secrets, authorities, certificates, resolver)
        for file in files:
            place = folder / node.name / file.path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            moved = str(folder / node.name / "etc/bob").encode()
            place.write_bytes(file.content.replace(b"/etc/bob", moved))
    return folder


def check(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("network", list(THIRD))
@pytest.mark.parametrize("node", ["host1", "host4"])
def test_consul_accepts_its_configuration(rendered: Path, node: str, network: str) -> None:
    consul = toolchain.ensure(["consul"]).consul.path
    file = rendered / node / f"etc/bob/consul-{network}/consul.json"
    assert "Configuration is valid!" in check(consul, "validate", file)


@pytest.mark.parametrize("node", ["host1", "host4"])
def test_nomad_accepts_its_configuration(rendered: Path, node: str) -> None:
    nomad = toolchain.ensure(["nomad"]).nomad.path
    output = check(nomad, "config", "validate", rendered / node / "etc/bob/nomad")
    assert "Configuration is valid!" in output and "WARNING" not in output
