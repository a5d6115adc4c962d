"""Three bare hosts for all tests of this folder."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest
from sandboxes import sandboxes

from bob.sandbox.record import Sandbox


@pytest.fixture(scope="package")
def sandbox(without_orphans: None) -> Iterator[Sandbox]:
    """A test undoes what it did to them."""
    with sandboxes() as bring_up:
        yield bring_up("shared", 3)


@pytest.fixture
def in_host(sandbox: Sandbox) -> Callable[..., str]:
    """`in_host("n1", "uname", "-r")` returns the output of a command in a host."""

    def run(node: str, *argv: str) -> str:
        command = sandbox.ssh_command(node, list(argv))
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    return run
