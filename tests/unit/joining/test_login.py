"""The line in authorized_keys, put there and taken away by a real shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bob.clients.ssh import Login, Result
from bob.ops.joining import login
from bob.provision import secrets
from inventory import Cluster

OTHERS = (
    "ssh-ed25519 AAAAC3 me@laptop\nssh-ed25519 AAAAC4 bob-c10\nssh-ed25519 AAAAC5 not bob-c1 x\n"
)


class Host:
    """This machine, with a home of its own for every user."""

    def __init__(self, folder: Path) -> None:
        self.login = Login("n1", "10.1.0.1")
        self.keys = folder / "home/.ssh/authorized_keys"
        (folder / "home").mkdir()
        self._bin = folder / "bin"
        self._program("getent", f"echo root:x:0:0::{folder}/home:/bin/sh")
        self._program("chown", ":")

    def _program(self, name: str, line: str) -> None:
        self._bin.mkdir(exist_ok=True)
        (self._bin / name).write_text(f"#!/bin/sh\n{line}\n")
        (self._bin / name).chmod(0o755)

    def run(self, script: str) -> Result:
        environment = {**os.environ, "PATH": f"{self._bin}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-s"], input=script, capture_output=True, text=True, env=environment, check=True
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "networks": {"mgmt": {"cidr": "10.1.0.0/24"}},
            "nodes": [{"name": "n1", "addresses": {"mgmt": "10.1.0.1"}}],
        }
    )


def test_the_key_comes_and_goes_and_nothing_else_changes(host: Host, cluster: Cluster) -> None:
    made = secrets.complete(None, cluster)
    host.keys.parent.mkdir()
    host.keys.write_text(OTHERS)
    host.keys.chmod(0o600)
    for _ in range(2):
        login.allow(host, cluster, made)  # type: ignore[arg-type]
        assert host.keys.read_text() == OTHERS + login.line(cluster, made) + "\n"
    assert login.line(cluster, made).startswith('restrict,from="10.1.0.0/24" ssh-ed25519 ')
    for _ in range(2):
        login.forbid(host, "c1")  # type: ignore[arg-type]
        assert host.keys.read_text() == OTHERS
    assert host.keys.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in host.keys.parent.iterdir()] == ["authorized_keys"]


def test_another_key_of_the_cluster_replaces_the_former(host: Host, cluster: Cluster) -> None:
    for _ in range(2):
        made = secrets.complete(None, cluster)
        login.allow(host, cluster, made)  # type: ignore[arg-type]
    assert host.keys.read_text() == login.line(cluster, made) + "\n"
    assert host.keys.stat().st_mode & 0o777 == 0o600
    assert host.keys.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_secret_is_in_the_line(cluster: Cluster) -> None:
    made = secrets.complete(None, cluster)
    private = made.ssh_key.get_secret_value().splitlines()[1]
    assert private not in login.line(cluster, made)
