"""What the keeper of the quorum wishes, picture by picture."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from server_views import ZONES, changed, quorum, view

from bob.ops.view import ClusterView, Quorum
from bob.robot.duties.quorum import DUTY
from bob.robot.duty import Memory, Say, Wish

FOUR = ("n1", "n2", "n3", "n4")
CROWDED = {**ZONES, "n2": "a"}
LONG = 1000.0


def after(found: ClusterView, seconds: float = LONG) -> tuple[list[str], list[str]]:
    """What is wished and said when the same was seen for so long."""
    memory: Memory = {}
    DUTY.decide(found, 0.0, memory)
    return told(DUTY.decide(found, seconds, memory))


def told(actions: Iterable[object]) -> tuple[list[str], list[str]]:
    actions = tuple(actions)
    wishes = [
        " ".join([a.request.kind, a.request.target, *map(str, a.request.params.values())])
        for a in actions if isinstance(a, Wish)
    ]  # fmt: skip
    return wishes, [action.text for action in actions if isinstance(action, Say)]


@pytest.mark.parametrize(
    ("found", "wish"),
    [
        (view(), None),
        (view(["n1", "n2"]), "promote n3"),
        (view(["n1"]), "promote n2"),
        (view(servers=5), "promote n4"),
        (view(five_servers_from=5), "promote n4"),
        (view(down=["n3"]), "replace-server n3 n4"),
        (view(down=["n1"]), "replace-server n1 n4"),
        (view(down=["n2"]), "replace-server n2 n5"),
        (view(down=["n3", "n4"]), "replace-server n3 n5"),
        (view(down=["n3", "n4", "n5"]), None),
        (view(["n1", "n2", "n4"], runs=FOUR), "demote n3"),  # it was replaced, and came back
        (view(["n1", "n2", "n4"], runs=FOUR, down=["n2"]), "replace-server n2 n3"),
        (view(runs=["n1", "n2"]), "promote n3"),  # it runs as a client
        (view(FOUR), "demote n4"),
        (view(FOUR, raft=quorum(FOUR, leader="n4")), "demote n1"),  # never the leader
        (view(FOUR, raft=quorum(FOUR, leader="n2"), newest="n4"), "demote n1"),  # not the new one
        (view(FOUR, raft=quorum(FOUR, leader="n1"), newest="n4"), "demote n1"),  # not even then
        (view(FOUR, down=["n3"]), "demote n3"),
        (view(["n1", "n2", "n5"], zones=CROWDED), "replace-server n2 n3"),
        (view(["n1", "n2", "n5"], zones=CROWDED, down=["n3"]), None),
        (view(servers=1, single_server="accept-no-redundancy"), "demote n2"),
    ],
)
def test_one_change_at_a_time(found: ClusterView, wish: str | None) -> None:
    assert after(found)[0] == ([wish] if wish else [])


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (changed(view(["n1", "n2"]), nomad=Quorum()), "Nomad has no leader"),
        (changed(view(["n1", "n2"]), nomad_known=False), "Nomad gives no answer"),
        (changed(view(["n1", "n2"]), members={}), "mgmt gives no answer"),
        (view(["n1", "n2"], down=["n2"]), "1 healthy servers of 2"),
    ],
)
def test_what_cannot_be_judged_is_left_as_it_is(found: ClusterView, words: str) -> None:
    wishes, said = after(found)
    assert not wishes
    assert words in said[0]


@pytest.mark.parametrize("scope", ["servers", "cluster"])
def test_nothing_beside_another_change(scope: str) -> None:
    assert after(view(["n1", "n2"], held={scope: "01OP"})) == ([], [])


def test_a_lost_server_has_its_grace() -> None:
    found = view(down=["n3"], server_grace=60)
    assert after(found, 59) == (
        [],
        ["server n3 is not alive on mgmt for 59 s; replaced after 60 s"],
    )
    assert after(found, 60)[0] == ["replace-server n3 n4"]


def test_nobody_is_left_to_replace_it() -> None:
    wishes, said = after(view(down=["n3", "n4", "n5"]))
    assert not wishes
    assert "no other node can take its place" in said[0]


def test_a_server_that_comes_and_goes_is_lost() -> None:
    memory: Memory = {}
    seen = [told(DUTY.decide(view(down=["n3"] if t % 10 < 5 else []), float(t), memory))[0]
            for t in range(140)]  # fmt: skip
    assert ["replace-server n3 n4"] in seen
    assert all(not wishes for wishes in seen[:120])


def test_a_server_that_came_back_has_all_its_grace_again() -> None:
    memory: Memory = {}
    for moment, down in ((0, ["n3"]), (100, ["n3"]), (101, []), (112, []), (113, ["n3"])):
        DUTY.decide(view(down=down), float(moment), memory)
    assert told(DUTY.decide(view(down=["n3"]), 130.0, memory))[0] == []
    assert told(DUTY.decide(view(down=["n3"]), 233.0, memory))[0] == ["replace-server n3 n4"]


def test_a_change_of_the_leader_is_waited_out() -> None:
    memory: Memory = {}
    DUTY.decide(view(["n1", "n2"]), 0.0, memory)
    other = view(["n1", "n2"], raft=quorum(["n1", "n2"], leader="n2"))
    assert told(DUTY.decide(other, 20.0, memory))[0] == []
    assert told(DUTY.decide(other, 29.0, memory))[0] == []
    assert told(DUTY.decide(other, 30.0, memory))[0] == ["promote n3"]
