"""Snapshots that are whole or not there, and servers that leave a raft without harm to it."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from server_views import quorum
from sim_clock import SimClock

from bob.clients.http import Unreachable
from bob.clients.quorum import AutopilotHealth, Operator, RaftConfiguration
from bob.errors import Temporary
from bob.ops.recover.steps import stop_script
from bob.ops.servers.retire import hand_over, leave
from bob.ops.servers.snapshot import outdated, write_whole
from bob.ops.view import Quorum
from bob.waiting import Clock, Deadline


class Raft:
    """An operator of a raft of n1 to n3 that remembers what was asked of it."""

    def __init__(self, found: Quorum) -> None:
        self.found = found
        self.asked: list[str] = []
        self.lead_is_stuck = False

    def raft(self) -> RaftConfiguration:
        assert self.found.raft
        return self.found.raft

    def autopilot(self) -> AutopilotHealth:
        assert self.found.health
        return self.found.health

    def transfer_leadership(self, peer: str) -> None:
        if self.lead_is_stuck:
            raise Unreachable("503 connect: connection refused", sent=True)
        self.asked.append(f"lead {peer}")
        self.found = quorum(leader=peer.removeprefix("id-"))

    def remove_peer(self, peer: str) -> None:
        self.asked.append(f"remove {peer}")


def operator(found: Quorum) -> tuple[Raft, Operator]:
    made = Raft(found)
    return made, cast(Operator, made)


def deadline() -> Deadline:
    clock = SimClock()
    return Deadline(5.0, Clock(clock.now, clock.advance))


def test_a_leader_hands_over_to_a_healthy_voter() -> None:
    raft, asked = operator(quorum(sick=["n2"]))
    hand_over(asked, "n1", deadline())
    assert raft.asked == ["lead id-n3"]


def test_a_leader_that_cannot_be_replaced_on_request_may_leave_as_such() -> None:
    raft, asked = operator(quorum())
    raft.lead_is_stuck = True
    hand_over(asked, "n1", deadline())
    leave(asked, "n1", "Consul mgmt")
    assert raft.asked == ["remove id-n1"]


def test_who_does_not_lead_has_nothing_to_hand_over() -> None:
    raft, asked = operator(quorum())
    hand_over(asked, "n2", deadline())
    assert raft.asked == []


def test_nobody_can_take_over() -> None:
    _, asked = operator(quorum(sick=["n2", "n3"]))
    with pytest.raises(Temporary, match="no healthy server"):
        hand_over(asked, "n1", deadline())


@pytest.mark.parametrize(
    ("found", "removed"),
    [
        (quorum(), ["remove id-n3"]),
        (quorum(sick=["n3"]), ["remove id-n3"]),  # it is the lost one
        (quorum(("n1", "n2"), waiting=["n3"]), ["remove id-n3"]),
        (quorum(("n1", "n2")), []),  # it has left already
    ],
)
def test_a_peer_leaves(found: Quorum, removed: list[str]) -> None:
    raft, asked = operator(found)
    leave(asked, "n3", "Nomad")
    assert raft.asked == removed


def test_a_peer_stays_while_the_others_are_no_majority() -> None:
    raft, asked = operator(quorum(sick=["n2"]))
    with pytest.raises(Temporary, match="Nomad would be without a majority when n3 leaves"):
        leave(asked, "n3", "Nomad")
    assert raft.asked == []


def test_a_snapshot_is_private_and_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.nomad.snap"

    def broken(sink: BinaryIO) -> None:
        sink.write(b"half")
        raise Temporary("cut off")

    with pytest.raises(Temporary):
        write_whole(path, broken)
    assert not path.exists()
    write_whole(path, lambda sink: cast(None, sink.write(b"all")))
    assert path.read_bytes() == b"all"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_only_the_last_operations_keep_their_snapshots() -> None:
    paths = [Path(f"{number}.{raft}.snap") for number in range(1, 5) for raft in ("a", "b")]
    assert outdated(paths, 3) == [Path("1.a.snap"), Path("1.b.snap")]
    assert outdated(paths, 4) == []


def test_agents_that_do_not_stop_are_killed() -> None:
    lines = stop_script(["consul-mgmt", "nomad"]).splitlines()
    assert lines[0].endswith("systemctl stop consul-mgmt nomad && exit 0")
    assert "-s KILL" in lines[1]
