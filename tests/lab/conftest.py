"""Sandboxes for tests: real hosts that are always removed, also those of a run that crashed.

Files in this folder have hosts of their own. Those in `hosts/` share three bare hosts, those in
`cluster/` an initialised cluster; each of these folders is left to one process, and its hosts are
gone when its last test has ended: idle clusters would take the processor from the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from harness import Factory
from sandboxes import remove_orphans, sandboxes

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # the plugin that shares out the tests reads the marks next
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """What shares hosts runs in one process, where several run the tests."""
    for item in items:
        if HERE in item.path.parents:
            shared = item.path.parent if item.path.parent != HERE else item.path
            item.add_marker(pytest.mark.xdist_group(shared.stem))


@pytest.fixture(scope="session")
def without_orphans() -> None:
    """Nothing is left of test runs that were killed."""
    remove_orphans()


@pytest.fixture(scope="module")
def sandbox_factory(without_orphans: None) -> Iterator[Factory]:
    """`sandbox_factory(word, nodes)` brings up a sandbox that lasts until the file's last test."""
    with sandboxes() as bring_up:
        yield bring_up
