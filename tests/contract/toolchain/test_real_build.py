"""The real Go compiler and the real module registry; Go's own caches make repetitions quick."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bob.toolchain import golang, packed, status
from bob.toolchain.children import Children
from bob.toolchain.model import Run
from bob.toolchain.progress import SILENT
from bob.toolchain.resolve import find_all, wanted_tools
from bob.toolchain.sources.build import Build, require_c_compiler
from bob.toolchain.sources.cached import Cached
from bob.toolchain.tools import TOOLS


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run with an empty cache of its own."""
    monkeypatch.setenv("BOB_CACHE", str(tmp_path / "cache"))
    return Run(SILENT, Children())


def test_consul_template_is_built_from_modules(run: Run) -> None:
    wanted = wanted_tools(["consul-template"], None, None)

    tool = find_all(wanted, [Cached()], [Build()], run).consul_template

    answer = subprocess.run([tool.path, "-version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("consul-template v0.42.1")
    unpack = f"dpkg-deb --fsys-tarfile - <{packed(tool)} | tar -xO ./{tool.name}"
    assert subprocess.check_output(unpack, shell=True) == tool.path.read_bytes()
    assert status()["consul-template"] == tool
    assert find_all(wanted, [Cached()], [], run).consul_template == tool


def test_pinned_compiler_installs_and_satisfies_every_module(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golang, "USUAL_PLACE", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))

    for spec in TOOLS.values():
        needed = golang.required_by(spec.module / "go.mod")
        found = golang.find(needed, run, spec.name)
        assert found.version >= needed

    assert found.program.is_relative_to(golang.installed_slot())
    answer = run.children.run([found.program, "env", "GOROOT"], seconds=30.0)
    assert Path(answer.strip()) == golang.installed_slot() / "go"


def test_c_compiler_check_accepts_a_real_compiler(run: Run) -> None:
    require_c_compiler(TOOLS["nomad"], run)
