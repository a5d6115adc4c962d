"""Who may become a server, who had better, and what a loss would mean."""

from __future__ import annotations

import pytest
from server_views import NOW, changed, quorum, view

from bob.clients.quorum import AutopilotServer
from bob.errors import GuardRefused, PreflightRefused, UsageError
from bob.ops.kind import Request, kind_of
from bob.ops.servers import judge
from bob.ops.view import ClusterView, Quorum

FOUR = ("n1", "n2", "n3", "n4")


@pytest.mark.parametrize(
    ("found", "leaving", "expected"),
    [
        (view(), "", "n4"),  # zones a and b have one server each: the order of the inventory
        (view(), "n2", "n5"),  # with n2 gone, zone b has none
        (view(), "n3", "n4"),
        (view(down=["n4"]), "n3", "n5"),
        (view(states={"n4": "maintenance", "n5": "joining"}), "n3", ""),
        (view(runs=["n1", "n2", "n3", "n5"]), "n3", "n5"),  # it runs as a server already
    ],
)
def test_the_best_client(found: ClusterView, leaving: str, expected: str) -> None:
    assert judge.best(found, leaving) == expected


@pytest.mark.parametrize(
    ("found", "leaving", "coming", "expected"),
    [
        (view(), "", "", 1),
        (view(), "n1", "", 0),
        (view(), "n1", "n4", 1),
        (view(FOUR), "n1", "", 1),
        (view(down=["n3"]), "n1", "", -1),
        (view(down=["n3"]), "n3", "", 0),
        (view(down=["n3"]), "n3", "n4", 1),
        (changed(view(), nomad=Quorum()), "", "", -1),
    ],
)
def test_how_many_may_fail_after_a_change(
    found: ClusterView, leaving: str, coming: str, expected: int
) -> None:
    assert judge.spare(found, leaving, coming) == expected


@pytest.mark.parametrize(
    ("raft", "lack"),
    [
        (quorum(), ""),
        (quorum(("n1", "n2"), waiting=("n3",)), "n3 has no vote in Consul mgmt yet"),
        (quorum(sick=("n3",)), "n3 is not healthy in Consul mgmt"),
        (quorum(stable=5.0), "n3 is not yet stable in Consul mgmt"),
        (Quorum(), "the servers of Consul mgmt are not known"),
    ],
)
def test_what_a_new_server_lacks(raft: Quorum, lack: str) -> None:
    assert judge.lacks(view(raft=raft), "n3") == lack


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2025-12-31T23:59:49.123456789Z", True),
        ("2025-12-31T23:59:55Z", False),
        ("2026-01-01T01:00:00Z", True),  # the leader's clock is wrong
    ],
)
def test_a_server_is_stable_after_ten_seconds(since: str, expected: bool) -> None:
    assert judge.stable(AutopilotServer("i", "n1", True, True, True, since), NOW.timestamp()) is (
        expected
    )


@pytest.mark.parametrize(
    ("request_", "found", "error", "words"),
    [
        (Request("promote", "n9"), view(), UsageError, "no node 'n9'"),
        (Request("promote", "n4"), view(down=["n4"]), PreflightRefused, "not alive on mgmt"),
        (Request("promote", "n4"), view(states={"n4": "leaving"}), PreflightRefused, "leaving"),
        (Request("promote", "n4"), changed(view(), nomad=Quorum()), PreflightRefused, "no leader"),
        (Request("demote", "n9"), view(), UsageError, "no node 'n9'"),
        (Request("demote", "n1"), view(["n1"]), GuardRefused, "the last server"),
        (Request("demote", "n1"), view(down=["n2"]), GuardRefused, "no majority"),
        (Request("replace-server", "n3", {"by": "n9"}), view(), UsageError, "no node 'n9'"),
        (
            Request("replace-server", "n3", {"by": "n5"}),
            view(FOUR, down=["n4", "n2"], raft=quorum(FOUR, sick=["n2", "n4"])),
            GuardRefused,
            "even with n5",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    request_: Request, found: ClusterView, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        kind_of(request_.kind).check(request_, found)


@pytest.mark.parametrize(
    ("request_", "found", "expected"),
    [
        (Request("promote", "n1"), view(), "n1 is a server already"),
        (Request("promote", "n4"), view(), ""),
        (Request("promote", "n3"), view(runs=["n1", "n2"]), ""),  # it should be, and is none
        (Request("demote", "n4"), view(), "n4 is a client already"),
        (Request("demote", "n4"), view(runs=FOUR), ""),  # it should be none, and is one
        (Request("replace-server", "n3", {"by": "n4"}), view(), ""),
    ],
)
def test_when_there_is_nothing_to_do(request_: Request, found: ClusterView, expected: str) -> None:
    assert kind_of(request_.kind).done(request_, found) == expected


@pytest.mark.parametrize(
    ("request_", "found", "names"),
    [
        (Request("demote", "n1"), view(), ["quorum-loss"]),
        (Request("demote", "n1"), view(FOUR), []),
        (Request("demote", "n4"), view(runs=FOUR), []),
        (Request("promote", "n4"), view(), []),
    ],
)
def test_guards(request_: Request, found: ClusterView, names: list[str]) -> None:
    assert [guard.name for guard in kind_of(request_.kind).guards(request_, found)] == names


@pytest.mark.parametrize(
    ("request_", "found", "words"),
    [
        (Request("promote", "n3"), view(["n1", "n2"], servers=3), None),
        (Request("promote", "n4"), view(["n1"], servers=3), "promote n2 instead"),
        (Request("promote", "n4"), view(), "one more than the 3 wanted"),
        (Request("promote", "n2"), view(["n1"], servers=3), "2 servers bear no more losses than 1"),
        (Request("demote", "n1"), view(), "maybe of this one"),
    ],
)
def test_warnings(request_: Request, found: ClusterView, words: str | None) -> None:
    said = " ".join(kind_of(request_.kind).warnings(request_, found))
    assert words in said if words else not said


@pytest.mark.parametrize(
    ("found", "leaving", "expected"),
    [(view(), "n1", "n4"), (view(FOUR), "n1", ""), (view(down=["n4", "n5"]), "n1", "")],
)
def test_who_takes_the_place_of_a_demoted_server(
    found: ClusterView, leaving: str, expected: str
) -> None:
    assert judge.substitute(found, leaving) == expected
