"""The configuration of the daemon: each damage is named by its key, and no value is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bob.errors import Permanent
from bob.provision.private_files import Exposed
from healthcheck.config import HealthConfig, OwnNetwork

TOKEN = "6b1e3a0c-secret"
GOOD: dict[str, Any] = {
    "cluster": "c1",
    "node": "n1",
    "token": TOKEN,
    "networks": {"mgmt": {"address": "10.101.0.11", "http_port": 8500, "https_port": 8501}},
    "units": ["nomad"],
    "echo_port": 8592,
    "metrics_port": 8591,
    "watches_cluster": True,
    "consul_ca": "/etc/bob/consul-mgmt/ca.pem",
    "nomad": "https://127.0.0.1:4646",
    "nomad_ca": "/etc/bob/nomad/ca.pem",
}


def written(folder: Path, content: object, mode: int = 0o600) -> Path:
    file = folder / "healthcheck.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    file.chmod(mode)
    return file


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = HealthConfig.load(written(tmp_path, GOOD))
    assert found.networks == (OwnNetwork("mgmt", "10.101.0.11", 8500, 8501),)
    assert (found.token, found.units, found.watches_cluster) == (TOKEN, ("nomad",), True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"node": 3}, "node"),
        ({"token": None}, "token"),
        ({"watches_cluster": "yes"}, "watches_cluster"),
        ({"echo_port": True}, "echo_port"),
        ({"units": "nomad"}, "units"),
        ({"units": [1]}, "units"),
        ({"networks": []}, "networks"),
        ({"networks": {"mgmt": 1}}, "networks.mgmt"),
        ({"networks": {"mgmt": {"address": "10.1", "http_port": 1}}}, "networks.mgmt.address"),
        ({"networks": {"mgmt": {"address": "10.0.0.1"}}}, "networks.mgmt.http_port"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(Permanent, match=rf"damaged \(at {named}\)") as error:
        HealthConfig.load(written(tmp_path, GOOD | change))
    assert TOKEN not in str(error.value)
    assert "bob init" in error.value.cure


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"'])
def test_something_else_is_damaged(tmp_path: Path, content: str) -> None:
    with pytest.raises(Permanent, match="is damaged"):
        HealthConfig.load(written(tmp_path, content))


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exposed):
        HealthConfig.load(written(tmp_path, GOOD, 0o644))


def test_the_program_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "healthcheck", "--config", str(tmp_path / "none.json")]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "there is no" in ended.stderr and "bob init" in ended.stderr
