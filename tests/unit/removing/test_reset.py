"""What becomes of each host of a reset, of what is kept here, and who may ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from provision_samples import describe

from bob.__main__ import run as bob_command
from bob.clients.fleet import Fleet
from bob.clients.ssh import Host, Login, Result
from bob.context import INVENTORY_FILE
from bob.errors import BobError, Permanent, Temporary, Unfinished
from bob.ops.init.context import CLUSTER_ID_FILE
from bob.ops.reset import hosts, run
from bob.ops.reset.archive import put_aside
from bob.ops.reset.hosts import HostResult, Outcome, wipe_all
from bob.provision.private_files import write_private

CLAIM = "c1 01ABC"


class FakeHost(Host):
    def __init__(self, name: str, answer: Result | BobError) -> None:
        super().__init__(Login(name, "10.0.0.1"))
        self.answer = answer

    def run(self, script: str, *, timeout: float = 60.0, check: bool = True) -> Result:
        if isinstance(self.answer, BobError):
            raise self.answer
        return self.answer


ANSWERS: Mapping[str, tuple[Result | BobError, Outcome]] = {
    "host1": (Result(0, "wiped\n", ""), Outcome.WIPED),
    "host2": (Result(0, "bare\n", ""), Outcome.BARE),
    "host3": (Result(3, "belongs to cluster c2\n", ""), Outcome.FOREIGN),
    "host4": (Result(1, "", "tasks still run: 17"), Outcome.FAILED),
    "host5": (Temporary("not reachable by SSH"), Outcome.UNREACHABLE),
    "host6": (Permanent("the host refused the SSH key"), Outcome.FAILED),
}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts.login, "forbid", lambda host, cluster: None)


def fleet(names: tuple[str, ...]) -> Fleet:
    return Fleet(FakeHost(name, ANSWERS[name][0]) for name in names)


def test_every_host_is_tried_and_told_of() -> None:
    told: dict[str, HostResult] = {}
    found = wipe_all(fleet(tuple(ANSWERS)), CLAIM, told.__setitem__)
    assert {name: result.outcome for name, result in found.items()} == {
        name: outcome for name, (_, outcome) in ANSWERS.items()
    }
    assert told == found
    assert {name for name, result in found.items() if result.left} == {"host4", "host5", "host6"}
    assert found["host4"].reason == "tasks still run: 17"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `bob init` keeps of the cluster c1 with four hosts."""
    monkeypatch.setenv("BOB_STATE", str(tmp_path))
    found = tmp_path / "clusters" / "c1"
    write_private(found / CLUSTER_ID_FILE, b"01ABC\n")
    inventory = describe(4).model_dump_json(by_alias=True)
    write_private(found / INVENTORY_FILE, inventory.encode())
    write_private(tmp_path / "current", b"c1\n")
    return found


def reset(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], *accepted: str) -> run.Reset:
    monkeypatch.setattr(run, "make_fleet", lambda cluster, folder: fleet(names))
    known = run.inventory_of("c1")
    assert known
    return run.reset(known, accepted, lambda host, result: None)


def test_a_host_that_is_left_keeps_the_cluster_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unfinished, match="host5 could not be wiped") as unfinished:
        reset(monkeypatch, ("host1", "host5"))
    assert "--accept not-wiped" in unfinished.value.cure
    assert (folder / CLUSTER_ID_FILE).exists()


@pytest.mark.parametrize("names", [("host1", "host2", "host3"), ("host1", "host5")])
def test_what_is_kept_goes_to_a_dated_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    made = reset(monkeypatch, names, run.NOT_WIPED)
    assert not folder.exists()
    assert not (folder.parents[1] / "current").exists()
    assert made.kept.parent == folder.parents[1] / "reset"
    assert (made.kept / CLUSTER_ID_FILE).read_text() == "01ABC\n"
    assert made.kept.parent.stat().st_mode & 0o777 == 0o700


def test_another_cluster_stays_the_current_one(folder: Path) -> None:
    current = folder.parents[1] / "current"
    current.write_text("c2\n")
    place = put_aside("c1", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert place.name == "c1-20260102T030405Z"
    assert current.read_text() == "c2\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--name c1"),
        (["--yes"], "--name c1"),  # a question is skipped, the name is not
        (["--name", "c2"], "the cluster is c1, not c2"),
        (["--cluster", "c9", "--name", "c9"], "cluster 'c9' is not known here"),
    ],
)
def test_only_the_name_lets_it_begin(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    says: str,
) -> None:
    monkeypatch.setattr("sys.stdin", cast("object", open("/dev/null")))  # noqa: PTH123, SIM115
    assert bob_command(["reset", *words]) == 2
    assert says in capsys.readouterr().err
    assert folder.exists()
