"""Which removals are refused, which need a word, and who stands in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from server_views import ZONES, quorum, view

from bob.catalogue import Catalogue
from bob.clients.consul import Member, MemberStatus
from bob.clients.nomad import Allocation, JobState
from bob.errors import BobError, GuardRefused, PreflightRefused, UsageError
from bob.ops.kind import Request, kind_of
from bob.ops.record import Operation
from bob.ops.removal import judge
from bob.ops.removal.as_server import scopes_of, stand_in_of
from bob.ops.view import ClusterView
from inventory import NetworkName

THREE = {"n1": "a", "n2": "b", "n3": "c"}
NO_SPREAD = {"n1": "a", "n2": "b", "n3": "c", "n4": "b"}


def names(found: ClusterView, node: str) -> list[str]:
    return [guard.name for guard in judge.guards(found, node, Catalogue())]


@pytest.mark.parametrize(
    ("found", "node", "wanted"),
    [
        (view(), "n4", []),  # a client that lives
        (view(), "n1", []),  # a server: n4 of the same zone takes its place
        (view(down=["n4"]), "n4", ["not-wiped"]),
        (view(down=["n1"]), "n1", ["not-wiped"]),
        (view(zones=THREE), "n1", ["quorum-loss"]),  # two servers are left, and nobody else
        # one server is lost already: to forget it makes nothing worse
        (view(zones=THREE, down=["n3"]), "n3", ["not-wiped"]),
        # the only client is in the zone of another server
        (view(zones=NO_SPREAD), "n3", ["zone-spread"]),
        (view(zones=dict.fromkeys(ZONES, "a")), "n1", []),  # one zone: nothing to spread
    ],
)
def test_what_has_to_be_accepted(found: ClusterView, node: str, wanted: list[str]) -> None:
    assert names(found, node) == wanted


@pytest.mark.parametrize("status", [MemberStatus.FAILED, MemberStatus.LEFT])
def test_a_dead_server_that_nomad_finds_healthy_is_none_to_spare(status: MemberStatus) -> None:
    """n4 joins the servers: Consul gave it a vote, and had the dead n3 leave."""
    found = view((*THREE, "n4"), down=["n3"], raft=quorum(("n1", "n2", "n4")))
    seen = dict(found.members[NetworkName.MGMT])
    seen["n3"] = replace(seen["n3"], status=status)
    found = replace(
        found,
        members={**found.members, NetworkName.MGMT: seen},
        nomad=quorum(waiting=["n4"]),
    )
    assert names(found, "n3") == ["zone-spread", "not-wiped"]


def test_the_only_copy_of_data_and_the_last_instance_are_guarded() -> None:
    job = JobState(
        id="db", namespace="default", name="db", type="service", stopped=False, desired=1,
        allocations=(Allocation("a1", "db", "id-n4", "running", True, 0),),
    )  # fmt: skip
    found = view()
    alone = {name: replace(node, eligible=name == "n4") for name, node in found.nodes.items()}
    found = replace(found, nodes=alone, jobs={"db": job}, volumes={"n4": ("db-data",)})
    guards = {g.name: g.reason for g in judge.guards(found, "n4", Catalogue())}
    assert set(guards) == {"last-instance", "data"}
    assert "db-data" in guards["data"]
    assert names(found, "n5") == []


@pytest.mark.parametrize(
    ("nodes", "wanted"), [(["n4"], ["data"]), (["n4", "n5"], []), ([], []), (["n5"], [])]
)
def test_a_service_whose_data_is_on_the_node_alone_is_guarded(
    nodes: list[str], wanted: list[str]
) -> None:
    found = replace(view(), services={"mariadb": {"count": 1, "nodes": nodes}})
    assert names(found, "n4") == wanted


def cut_off_from_mgmt() -> ClusterView:
    found = view(down=["n4"])
    storage = dict(found.members[NetworkName.STORAGE])
    storage["n4"] = Member("n4", "", MemberStatus.ALIVE, server=False)
    return replace(found, members={**found.members, NetworkName.STORAGE: storage})


@pytest.mark.parametrize(
    ("found", "node", "error", "says"),
    [
        (view(), "n9", UsageError, "has no node 'n9'"),
        (view(["n1"]), "n1", UsageError, "the last server"),
        (view(["n1"], zones={"n1": "a"}), "n1", UsageError, "the last server"),
        (cut_off_from_mgmt(), "n4", PreflightRefused, "alive on storage"),
        (replace(view(), nomad_known=False), "n4", PreflightRefused, "no answer"),
        (replace(view(), nomad=quorum(leader="")), "n1", PreflightRefused, "has no leader"),
        # n2 is lost: without n1 the one left would be no majority of two
        (view(zones=THREE, down=["n2"]), "n1", GuardRefused, "no majority"),
    ],
)
def test_what_nobody_can_accept(
    found: ClusterView, node: str, error: type[BobError], says: str
) -> None:
    with pytest.raises(error, match=says):
        judge.refuse(found, node)


def test_an_unknown_node_is_told_the_known_ones() -> None:
    with pytest.raises(UsageError) as refused:
        judge.refuse(view(), "n9")
    assert refused.value.cure == "Its nodes: n1, n2, n3, n4, n5."
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("found", "node", "scopes"),
    [
        (view(), "n4", ("node/n4",)),
        (view(), "n1", ("node/n1", "servers", "node/n4")),
        (view(zones=THREE), "n1", ("node/n1", "servers")),
        (view(runs=["n1", "n2", "n3", "n4"]), "n4", ("node/n4", "servers")),  # it still acts as one
        (view(), "n9", ("node/n9",)),
    ],
)
def test_what_is_held_meanwhile(found: ClusterView, node: str, scopes: tuple[str, ...]) -> None:
    assert kind_of("remove-node").scopes(Request("remove-node", node), found) == scopes


@pytest.mark.parametrize("stand_in", ["", "n4"])
def test_the_stand_in_is_settled_by_the_record(stand_in: str) -> None:
    scopes = scopes_of("n1", server=True, stand_in=stand_in)
    made = Operation(id="1", kind="remove-node", target="n1", scopes=scopes)
    assert stand_in_of(made) == stand_in


def test_every_step_has_a_name_of_its_own() -> None:
    steps = kind_of("remove-node").steps(Request("remove-node", "n1", {"deadline": 60}))
    found = [step.name for step in steps]
    assert len(set(found)) == len(found)
    assert found[0] == "leaving"
    assert found[-2:] == ["wipe", "forget"]
