"""One initialised cluster of three hosts for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Lab
from sandboxes import sandboxes


@pytest.fixture(scope="package")
def cluster(without_orphans: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A test leaves it healthy."""
    with sandboxes() as bring_up:
        lab = Lab(bring_up("cluster", 3), tmp_path_factory.mktemp("state"))
        lab.init()
        yield lab
