"""A host that was taken out has kept the robot's token, and must not lead with it."""

from __future__ import annotations

import pytest
from fake_consul import FakeConsul, Fault
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.agent.leading import may_lead


@pytest.mark.parametrize(
    ("keys", "may"),
    [
        (["bob/cluster", "bob/nodes/n1"], True),
        (["bob/cluster", "bob/nodes/n2"], False),
        ([], True),  # the cluster is being made
    ],
)
def test_only_nodes_of_the_cluster_lead(keys: list[str], may: bool) -> None:
    consul = FakeConsul(ConsulState(SimClock()))
    for key in keys:
        consul.txn().set(key, "{}").commit()
    assert may_lead(consul, "n1") is may


def test_who_cannot_ask_leaves_it_to_the_election() -> None:
    consul = FakeConsul(ConsulState(SimClock()))
    consul.line.faults = [Fault.UNREACHABLE]
    assert may_lead(consul, "n1")
