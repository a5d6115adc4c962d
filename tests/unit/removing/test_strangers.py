"""Hosts that are no nodes any more: told of, kept out, forgotten when they are off again."""

from __future__ import annotations

from dataclasses import replace

from server_views import quorum, view

from bob.clients.consul import Member, MemberStatus
from bob.ops.view import ClusterView
from bob.robot.duties.strangers import DUTY
from bob.robot.duty import Action, Do, Memory, Say


def with_stranger(status: MemberStatus) -> ClusterView:
    found = view()
    seen = {**next(iter(found.members.values())), "n9": Member("n9", "", status, server=True)}
    return replace(found, members=dict.fromkeys(found.members, seen))


def second_look(found: ClusterView) -> list[str]:
    memory: Memory = {}
    assert DUTY.decide(found, 0.0, memory) == []
    return [_text(action) for action in DUTY.decide(found, 2.0, memory)]


def _text(action: Action) -> str:
    assert isinstance(action, Do | Say)
    return action.title if isinstance(action, Do) else action.text


def test_one_that_is_on_is_kept_out_and_told_of() -> None:
    kept, told = second_look(with_stranger(MemberStatus.ALIVE))
    assert kept == "keep n9 out"
    assert told.startswith("n9 was taken out, but its host is on")


def test_one_that_is_off_again_is_forgotten() -> None:
    assert second_look(with_stranger(MemberStatus.FAILED)) == ["forget n9"]


def test_a_peer_that_nobody_wishes_is_forgotten() -> None:
    assert second_look(view(raft=quorum(["n1", "n2", "n3", "n9"]))) == ["forget n9"]


def test_one_that_nomad_alone_still_knows_is_forgotten_once_nomad_finds_it_dead() -> None:
    found = replace(view(), nomad_gossip={"n1": True, "n9": True})
    assert second_look(found) == ["keep n9 out"]
    assert second_look(replace(found, nomad_gossip={"n1": True, "n9": False})) == ["forget n9"]


def test_nodes_and_whoever_an_operation_works_on_are_no_strangers() -> None:
    assert second_look(view()) == []
    assert second_look(replace(with_stranger(MemberStatus.ALIVE), held={"node/n9": "1"})) == []


def test_a_moment_is_not_enough() -> None:
    memory: Memory = {}
    for found in (with_stranger(MemberStatus.ALIVE), view(), with_stranger(MemberStatus.ALIVE)):
        assert DUTY.decide(found, 0.0, memory) == []
