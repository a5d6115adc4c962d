"""When a quorum may be made anew, and of whom."""

from __future__ import annotations

import pytest

from bob.errors import BobError, GuardRefused, PreflightRefused
from bob.ops.recover.survey import QUORUM_LOSS, Raft, Survey, judge

THREE = ("n1", "n2", "n3")
ALL = frozenset({"consul-mgmt", "nomad"})


def survey(*there: str, led: str = "", **held: frozenset[str]) -> Survey:
    """`there` hold every raft; `led` is the unit that has a leader."""
    rafts = tuple(Raft(unit, THREE, unit == led) for unit in sorted(ALL))
    return Survey(rafts, dict.fromkeys(there, ALL) | held)


def test_who_is_left_and_who_is_lost() -> None:
    found = survey("n1", "n4")  # n4 was a server long ago
    assert (found.survivors, found.lost) == (("n1",), ("n2", "n3"))
    assert [raft.unit for raft in found.broken] == ["consul-mgmt", "nomad"]


def test_a_server_without_all_of_its_data_is_lost() -> None:
    found = survey("n1", n2=frozenset({"nomad"}))
    assert (found.survivors, found.lost) == (("n1",), ("n2", "n3"))


def test_only_what_is_broken_counts() -> None:
    found = survey("n1", led="consul-mgmt", n2=frozenset({"consul-mgmt"}))
    assert [raft.unit for raft in found.broken] == ["nomad"]
    assert found.lost == ("n2", "n3")


@pytest.mark.parametrize(
    ("found", "error", "words"),
    [
        (survey(), PreflightRefused, "none of the servers"),
        (survey("n4"), PreflightRefused, "none of the servers"),
        (survey("n1", "n2"), PreflightRefused, "a majority, which elects a leader of consul-mgmt"),
        (survey("n1"), GuardRefused, "only n1 of the servers would count"),
    ],
)
def test_what_is_refused(found: Survey, error: type[BobError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        judge(found, ())
    assert caught.value.cure


def test_it_is_accepted_by_its_name() -> None:
    judge(survey("n1"), [QUORUM_LOSS])
    with pytest.raises(PreflightRefused):
        judge(survey("n1", "n2"), [QUORUM_LOSS])
