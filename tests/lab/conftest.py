"""Sandboxes for tests: real hosts that are always removed, also those of a run that crashed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Factory, Lab

import bob.sandbox
from bob.sandbox import record
from bob.sandbox.record import Sandbox

PREFIX = "test-"


@pytest.fixture(scope="session")
def sandbox_factory() -> Iterator[Factory]:
    """`sandbox_factory(word, nodes)` brings up a sandbox; all are taken down at the end."""
    remove_orphans()
    made: list[str] = []

    def bring_up(word: str, nodes: int) -> Sandbox:
        name = f"{PREFIX}{word}-{os.getpid()}"
        made.append(name)
        return bob.sandbox.up(name, nodes)

    yield bring_up
    for name in made:
        bob.sandbox.down(name)


@pytest.fixture(scope="session")
def sandbox(sandbox_factory: Factory) -> Sandbox:
    """Three hosts that all tests of the session share. A test undoes what it did to them."""
    return sandbox_factory("shared", 3)


@pytest.fixture
def in_host(sandbox: Sandbox) -> Callable[..., str]:
    """`in_host("n1", "uname", "-r")` returns the output of a command in a host."""

    def run(node: str, *argv: str) -> str:
        command = sandbox.ssh_command(node, list(argv))
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    return run


@pytest.fixture(scope="session")
def cluster(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """An initialised cluster of three hosts that all tests share. A test leaves it healthy."""
    lab = Lab(sandbox_factory("cluster", 3), tmp_path_factory.mktemp("state"))
    lab.init()
    return lab


def remove_orphans() -> None:
    """Take down the sandboxes of test runs that are no longer alive."""
    for name in record.names():
        process = name.removeprefix(PREFIX).rpartition("-")[2]
        if name.startswith(PREFIX) and not Path("/proc", process).exists():
            bob.sandbox.down(name)
