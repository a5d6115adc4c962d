"""What an operator does with a running cluster: environment, web addresses, tokens, status."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from harness import LONG, Lab

from bob.provision import secrets as secrets_file

pytestmark = pytest.mark.lab

WIDTH = 100  # columns of a common terminal


def in_shell(lab: Lab, script: str) -> str:
    """Output of commands in a shell that has the cluster's environment."""
    bob = f"{sys.executable} -m bob"
    whole = f'set -e; environment=$({bob} shellenv); eval "$environment"; {script}'
    result = subprocess.run(
        ["bash", "-c", whole], capture_output=True, text=True, env=lab.environment,
        stdin=subprocess.DEVNULL, timeout=LONG,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_stock_programs_work_in_the_environment_of_shellenv(cluster: Lab) -> None:
    names = {node.name for node in cluster.sandbox.nodes}
    rows = [line.split() for line in in_shell(cluster, "consul members").splitlines()[1:]]
    assert {(row[0], row[2]) for row in rows} == {(name, "alive") for name in names}
    nodes = json.loads(in_shell(cluster, "nomad node status -json"))
    assert {(node["Name"], node["Status"]) for node in nodes} == {(n, "ready") for n in names}
    assert in_shell(cluster, "nomad server members").count("alive") == len(names)
    assert json.loads(in_shell(cluster, "consul kv get bob/cluster"))["inventory"]


def test_ui_shows_addresses_that_answer_and_authorities_that_vouch_for_them(cluster: Lab) -> None:
    view = json.loads(cluster.bob("ui", "-o", "json").stdout)
    assert view["schema"] == "bob/ui/1"
    for product in ("consul", "nomad"):
        part = view[product]
        assert len(part["urls"]) == len(cluster.sandbox.nodes)
        for url in part["urls"]:
            page = requests.get(url, verify=part["ca_file"], timeout=30)
            assert page.status_code == 200
            assert "<html" in page.text
        assert part["token_command"] in " ".join(cluster.bob("ui").stdout.split())


def test_ui_prints_a_token_and_nothing_else(cluster: Lab) -> None:
    secrets = secrets_file.load(cluster.folder / "secrets.json", cluster.sandbox.name)
    for product, token in (("consul", secrets.operator), ("nomad", secrets.nomad_management)):
        result = cluster.bob("ui", "--token", product)
        assert result.stdout == token.get_secret_value() + "\n"
        assert result.stderr == ""
    shown = cluster.bob("ui").stdout + cluster.bob("ui", "-o", "json").stdout
    assert secrets.operator.get_secret_value() not in shown


def test_status_fits_a_terminal_and_names_everything(cluster: Lab) -> None:
    result = subprocess.run(
        cluster.command("status"), capture_output=True, text=True, timeout=LONG,
        env=cluster.environment | {"COLUMNS": str(WIDTH)},
    )  # fmt: skip
    lines = result.stdout.splitlines()
    assert lines[0] == f"Cluster {cluster.sandbox.name}: healthy"
    assert max(len(line) for line in lines) <= WIDTH
    for node in cluster.sandbox.nodes:
        row = next(line.split() for line in lines if line.startswith(f"{node.name} "))
        assert row[:3] == [node.name, node.zone, "server"]
        assert row.count("alive") == 3
        assert row[-1] == "ready"
    assert re.search(r"Leaders: .*nomad n\d", result.stdout)


@pytest.mark.parametrize("words", [("status",), ("ui",), ("shellenv",)])
def test_without_a_known_cluster_it_is_a_usage_error(tmp_path: Path, words: tuple[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "bob", *words], capture_output=True, text=True, timeout=LONG,
        env={"BOB_STATE": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stdout == ""
    assert "bob init -f" in result.stderr


def test_an_unknown_name_is_a_usage_error(cluster: Lab) -> None:
    assert "atlantis" in cluster.bob("status", "--cluster", "atlantis", code=2).stderr
