"""When what ran on a silent host is started elsewhere, and when that is left to Nomad."""

from __future__ import annotations

from dataclasses import replace

import pytest
from server_views import cluster, view

from bob.clients.consul import MemberStatus
from bob.ops.view import MAINTENANCE, ClusterView
from bob.robot.duties.lost_nodes import DUTY
from bob.robot.duty import Do, Say
from inventory import NetworkName

BOTH = (NetworkName.MGMT, NetworkName.STORAGE)


def silent(
    found: ClusterView,
    *names: str,
    on: tuple[NetworkName, ...] = BOTH,
    status: MemberStatus = MemberStatus.FAILED,
) -> ClusterView:
    members = {
        network: {
            name: replace(m, status=status) if name in names and network in on else m
            for name, m in seen.items()
        }
        for network, seen in found.members.items()
    }
    return replace(found, members=members)


def down(found: ClusterView, name: str) -> ClusterView:
    return replace(found, nodes={**found.nodes, name: replace(found.nodes[name], status="down")})


def titles(found: ClusterView) -> list[str]:
    return [a.title for a in DUTY.decide(found, 0.0, {}) if isinstance(a, Do)]


def test_a_host_that_is_silent_everywhere_is_forgotten_by_nomad() -> None:
    (title,) = titles(silent(view(), "n4"))
    assert "n4" in title


@pytest.mark.parametrize(
    "found",
    [
        view(),
        silent(view(), "n4", on=(NetworkName.MGMT,)),
        silent(view(), "n4", on=(NetworkName.STORAGE,)),
        silent(view(), "n4", status=MemberStatus.LEFT),
        down(silent(view(), "n4"), "n4"),
        replace(silent(view(), "n4"), nomad_known=False),
    ],
    ids=["sound", "mgmt only", "storage only", "left", "down already", "Nomad unknown"],
)
def test_the_rest_is_left_to_nomad(found: ClusterView) -> None:
    assert not DUTY.decide(found, 0.0, {})


def test_a_node_in_maintenance_keeps_what_is_noted_of_it() -> None:
    found = silent(view(), "n4")
    wishes = {**found.wishes, "n4": found.wishes["n4"].model_copy(update={"state": MAINTENANCE})}
    assert not DUTY.decide(replace(found, wishes=wishes), 0.0, {})


def test_when_much_is_silent_it_may_be_us() -> None:
    actions = DUTY.decide(silent(view(), "n4", "n5"), 0.0, {})
    assert [type(action) for action in actions] == [Say]


def test_one_network_is_no_second_opinion() -> None:
    found = silent(view(), "n4")
    alone = cluster()
    networks = {NetworkName.MGMT: alone.networks[NetworkName.MGMT]}
    assert not DUTY.decide(
        replace(found, cluster=alone.model_copy(update={"networks": networks})), 0.0, {}
    )
