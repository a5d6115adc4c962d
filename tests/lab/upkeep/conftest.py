"""One cluster for all tests of this folder. They follow each other; each leaves it healthy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import Lab
from sandboxes import sandboxes
from upkeep_site import DEADLINE, NODES, rested, start_job

from bob.waiting import wait_for


@pytest.fixture(scope="package")
def three(without_orphans: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with sandboxes() as bring_up:
        lab = Lab(bring_up("upkeep", len(NODES)), tmp_path_factory.mktemp("upkeep"))
        lab.init()
        yield lab


@pytest.fixture(autouse=True)
def at_rest(three: Lab) -> None:
    start_job(three)
    wait_for(lambda: rested(three), what="healthy, and nothing under way", deadline=DEADLINE,
             interval=1)  # fmt: skip
