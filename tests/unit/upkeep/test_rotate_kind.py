"""When keys may be rotated, and when certificates are without being asked."""

from __future__ import annotations

import pytest
from server_views import NOW, changed, quorum, view

from bob.errors import PreflightRefused, UsageError
from bob.ops.kind import Request
from bob.ops.kinds.rotate import KIND, WHAT
from bob.ops.rotation.absence import ABSENT_NODES
from bob.ops.servers.judge import unsound
from bob.ops.view import ClusterView, Quorum
from bob.robot.duties.certificates import DUTY
from bob.robot.duty import Do, Wish
from inventory import NetworkName

DAY = 86400.0
EVERYTHING = sorted(WHAT)


@pytest.mark.parametrize("what", EVERYTHING)
def test_a_sound_cluster_is_rotated_at_once(what: str) -> None:
    request = Request("rotate", what)
    KIND.check(request, view())
    assert not list(KIND.guards(request, view()))
    assert not list(KIND.warnings(request, view()))
    assert KIND.steps(request)
    assert KIND.scopes(request, view()) == ("cluster", "servers")


def test_what_is_not_known_is_not_rotated() -> None:
    with pytest.raises(UsageError, match="'tyres' cannot be rotated") as error:
        KIND.check(Request("rotate", "tyres"), view())
    assert all(what in error.value.cure for what in EVERYTHING)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (view(down=["n3"]), "n3 is not healthy in Consul mgmt"),
        (view(runs=["n1", "n2"]), "n3 has no vote"),
        (changed(view(), nodes={}), "Nomad does not find n1 ready"),
    ],
)
def test_every_server_has_to_be_sound(found: ClusterView, reason: str) -> None:
    with pytest.raises(PreflightRefused, match=reason):
        KIND.check(Request("rotate", "tokens"), found)


@pytest.mark.parametrize(
    "found",
    [
        view(raft=quorum(stable=3)),
        changed(view(), consul={NetworkName.MGMT: Quorum(quorum().raft, None)}),
        changed(view(), nomad=Quorum(), nodes={}, nomad_known=False),
    ],
)
def test_what_is_only_late_is_waited_for_later(found: ClusterView) -> None:
    KIND.check(Request("rotate", "tokens"), found)
    assert unsound(found)


@pytest.mark.parametrize(
    ("what", "guards", "warnings"), [("gossip", 1, 0), ("tokens", 1, 0), ("certificates", 0, 1)]
)
def test_a_node_that_is_away_would_be_locked_out(what: str, guards: int, warnings: int) -> None:
    request, found = Request("rotate", what), view(down=["n5"])
    KIND.check(request, found)
    standing = list(KIND.guards(request, found))
    assert [guard.name for guard in standing] == [ABSENT_NODES] * guards
    assert len(list(KIND.warnings(request, found))) == warnings
    assert all("n5 not there" in guard.reason for guard in standing)


def until(days: float, **held: str) -> ClusterView:
    return changed(view(held=held), certificates_until=NOW.timestamp() + days * DAY)


@pytest.mark.parametrize(
    ("found", "wished"),
    [
        (until(200), False),
        (until(31), False),
        (until(29), True),
        (until(-1), True),
        (until(29, servers="01OP"), False),
        (until(29, cluster="01OP"), False),
    ],
)
def test_certificates_are_replaced_before_they_end(found: ClusterView, wished: bool) -> None:
    actions = DUTY.decide(found, 0.0, {})
    assert [type(action) for action in actions] == ([Wish] if wished else [])
    assert all(a.request == Request("rotate", "certificates") for a in actions)  # type: ignore[union-attr]


def test_the_end_of_certificates_is_noted_first() -> None:
    actions = DUTY.decide(view(), 0.0, {})
    assert [type(action) for action in actions] == [Do]
