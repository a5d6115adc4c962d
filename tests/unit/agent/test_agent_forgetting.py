"""Every server prunes on its own lists who is gone and no node any more."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from sim_clock import SimClock

from bob.agent import forgetting
from bob.agent.forgetting import Forgetting, strangers
from bob.clients.consul import Member, MemberStatus
from bob.clients.http import Unreachable
from bob.ops.cluster_records import NODES
from inventory import NetworkName


class Agent:
    """An agent that lists these members and forgets those it is told to."""

    def __init__(self, **members: MemberStatus) -> None:
        self.known = members
        self.asked = 0

    def members(self) -> Sequence[Member]:
        self.asked += 1
        return [Member(name, "", status, False) for name, status in self.known.items()]

    def force_leave(self, name: str) -> None:
        del self.known[name]


class Silent(Agent):
    def members(self) -> Sequence[Member]:
        self.asked += 1
        raise Unreachable("no answer", sent=True)


class Looks(threading.Event):
    """Lets so many looks happen, then stops."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def wait(self, timeout: float | None = None) -> bool:
        self.looks -= 1
        return self.looks < 0


def networks(mgmt: Agent, storage: Agent, *nodes: str) -> dict[NetworkName, Any]:
    state = ConsulState(SimClock())
    found = {NetworkName.MGMT: FakeConsul(state), NetworkName.STORAGE: FakeConsul(state)}
    for consul, agent in zip(found.values(), (mgmt, storage), strict=True):
        consul.agent = agent  # type: ignore[assignment]
    for node in nodes:
        found[NetworkName.MGMT].kv.put(NODES + node, "{}")
    return found


@pytest.mark.parametrize(
    ("gone", "nodes", "expected"),
    [
        (["n4"], ["n1", "n2"], ["n4"]),
        (["n2"], ["n1", "n2"], []),  # it is down, or being removed
        (["n4"], [], []),  # a cluster that is being made
    ],
)
def test_only_who_is_no_node_is_strange(
    gone: list[str], nodes: list[str], expected: list[str]
) -> None:
    assert strangers(gone, nodes) == expected


def test_it_prunes_on_every_network_whom_no_other_order_has_reached() -> None:
    mgmt = Agent(n1=MemberStatus.ALIVE, n5=MemberStatus.LEFT, n6=MemberStatus.ALIVE)
    storage = Agent(n1=MemberStatus.ALIVE, n2=MemberStatus.FAILED, n5=MemberStatus.FAILED)
    Forgetting(networks(mgmt, storage, "n1", "n2")).run(Looks(1), lambda _: None)
    assert set(mgmt.known) == {"n1", "n6"}, "who is alive is for the leader to judge"
    assert set(storage.known) == {"n1", "n2"}


def test_a_network_that_does_not_answer_hinders_nothing() -> None:
    mgmt, storage = Silent(), Agent(n5=MemberStatus.LEFT)
    beats: list[float] = []
    Forgetting(networks(mgmt, storage, "n1")).run(Looks(2), beats.append)
    assert (mgmt.asked, storage.known) == (2, {})
    assert beats == [forgetting.PATIENCE] * 3
