"""Sandboxes for tests: real hosts that are always removed, also those of a run that crashed.

Files in this folder have hosts of their own. Those in `hosts/` share three bare hosts, those in
`cluster/` an initialised cluster, those in `upkeep/` another one; each of these folders is left to
one process, and its hosts are gone when its last test has ended: idle clusters would take the
processor from the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from harness import Factory
from sandboxes import remove_orphans, sandboxes

HERE = Path(__file__).parent.name


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out by file, and those that share hosts by folder.

    (The plugin's own `loadgroup` has no effect with pytest 9.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class BySharedHosts(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = PurePosixPath(nodeid.partition("::")[0])
            return str(file if file.parent.name == HERE else file.parent)

    return BySharedHosts(config, log)


@pytest.fixture(scope="session")
def without_orphans() -> None:
    """Nothing is left of test runs that were killed."""
    remove_orphans()


@pytest.fixture(scope="module")
def sandbox_factory(without_orphans: None) -> Iterator[Factory]:
    """`sandbox_factory(word, nodes)` brings up a sandbox that lasts until the file's last test."""
    with sandboxes() as bring_up:
        yield bring_up
