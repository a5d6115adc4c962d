from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from toolchain_doubles import FakeBuild, Recorder
from vendor_site import VendorSite, program

from bob.toolchain.children import Children
from bob.toolchain.model import Run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; returns its toolchain folder."""
    monkeypatch.setenv("BOB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BOB_STATE", str(tmp_path / "state"))
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(variable, "127.0.0.1")
    return tmp_path / "cache" / "toolchain"


@pytest.fixture
def site() -> Iterator[VendorSite]:
    server = VendorSite()
    yield server
    server.close()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def run(recorder: Recorder) -> Run:
    return Run(recorder, Children())


@pytest.fixture
def fake_build() -> FakeBuild:
    return FakeBuild()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds a server's answer back until it is set; always set in the end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def own_binaries(tmp_path: Path) -> Path:
    """A folder with a user's own consul and nomad, both of the wanted version."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, version in (("consul", "1.22.3"), ("nomad", "1.11.3")):
        (folder / name).write_bytes(program(name, version))
        (folder / name).chmod(0o755)
    return folder
