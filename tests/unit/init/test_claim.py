"""Who gets a host, decided by a real shell and file system."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from local_host import Here

from bob.errors import PreflightRefused
from bob.ops.init.claim import Claim
from bob.ops.joining import claim
from bob.ops.step import Need
from bob.waiting import Deadline


class Context:
    """As much of an `InitContext` as the step looks at: its claim and one host."""

    def __init__(self, here: Here, cluster: str) -> None:
        self.claim = cluster
        self.fleet = self
        self._here = here

    def each(self, work: Callable[[Here], object]) -> dict[str, object]:
        return {"n1": work(self._here)}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "etc" / "cluster"
    monkeypatch.setattr(claim, "CLAIM_FILE", str(file))
    return file


def take(here: Here, cluster: str) -> None:
    Claim().apply(Context(here, cluster), Deadline(30))  # type: ignore[arg-type]


def need(here: Here, cluster: str) -> Need:
    return Claim().probe(Context(here, cluster)).need  # type: ignore[arg-type]


def test_a_free_host_is_taken_and_stays_taken(file: Path, tmp_path: Path) -> None:
    here = Here(tmp_path)
    assert need(here, "c1 01A") is Need.NEEDED
    take(here, "c1 01A")
    take(here, "c1 01A")
    assert file.read_text() == "c1 01A\n"
    assert need(here, "c1 01A") is Need.DONE
    assert list(file.parent.iterdir()) == [file]


def test_a_host_of_another_cluster_is_refused_and_stays_as_it_is(
    file: Path, tmp_path: Path
) -> None:
    here = Here(tmp_path)
    take(here, "c1 01A")
    with pytest.raises(PreflightRefused, match="n1: was just taken by cluster 'c1'") as refusal:
        take(here, "c2 01B")
    assert refusal.value.cure
    assert file.read_text() == "c1 01A\n"
    assert need(here, "c2 01B") is Need.NEEDED


def test_a_claim_that_a_power_loss_emptied_is_free(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    file.touch()
    take(Here(tmp_path), "c1 01A")
    assert file.read_text() == "c1 01A\n"


def test_of_many_clusters_at_once_one_gets_the_host(file: Path, tmp_path: Path) -> None:
    here = Here(tmp_path)

    def attempt(number: int) -> str:
        try:
            take(here, f"c{number} 01X")
        except PreflightRefused:
            return ""
        return f"c{number} 01X\n"

    with ThreadPoolExecutor(8) as pool:
        winners = [won for won in pool.map(attempt, range(8)) if won]
    assert winners == [file.read_text()]
