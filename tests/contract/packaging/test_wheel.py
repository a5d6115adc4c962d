"""What `pip install .` gives: a working `bob` with its data, away from the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed packages; dependencies come from this environment."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(PROJECT)], check=True, timeout=120)
    return target


def bob(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = "from bob.__main__ import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(installed), "BOB_STATE": str(folder / "state")}
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *words], capture_output=True, text=True, cwd=folder,
        env=environment, timeout=60,
    )  # fmt: skip


def test_it_runs_from_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [sys.executable, "-P", "-c", "import bob; print(bob.__file__)"], capture_output=True,
        text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(installed))


def test_the_example_inventory_passes_its_own_check(installed: Path, tmp_path: Path) -> None:
    example = bob(installed, tmp_path, "inventory", "example")
    (tmp_path / "cluster.yaml").write_text(example.stdout)
    check = bob(installed, tmp_path, "inventory", "check", "-f", "cluster.yaml")
    assert check.returncode == 0, check.stderr


def test_the_services_travel_along(installed: Path, tmp_path: Path) -> None:
    result = bob(installed, tmp_path, "deploy", "nonesuch")
    assert result.returncode == 2
    assert "demo" in result.stderr


@pytest.mark.parametrize(
    "data",
    [
        "templates/node/consul.service.j2",
        "templates/node/nomad.service.j2",
        "templates/node/bob-agent.service.j2",
        "templates/node/healthcheck.service.j2",
        "healthcheck/node/links.py",
        "bob/toolchain/bundle/requirements.lock",
        "bob/toolchain/modules/consul/go.sum",
        "bob/toolchain/modules/nomad/go.mod",
        "jobs/demo/job.nomad.hcl.j2",
        "images/base.yaml",
        "bob/images/layer.sh",
    ],
)
def test_data_files_are_there(installed: Path, data: str) -> None:
    assert (installed / data).is_file()
