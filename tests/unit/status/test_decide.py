"""The judgement of `bob status`, as a table: what the servers say and what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from status_builders import (
    ALLOCATIONS,
    CHECKS,
    NETWORKS,
    SERVERS,
    allocation,
    autopilot,
    check,
    consul_view,
    context,
    job,
    members,
    nodes,
    nomad_view,
    raft,
    silent,
    snapshot,
    with_consul,
    with_members,
    with_nomad,
)

from bob.clients.consul import Check, Member, MemberStatus
from bob.status.decide import decide
from bob.status.instances import ROLE_TAG
from bob.status.snapshot import Snapshot, Unknown
from bob.status.view import AgentState, NomadState, ServiceStatus
from inventory import NetworkName

MGMT, STORAGE, TENANT = NETWORKS
FAILED, LEFT, LEAVING = MemberStatus.FAILED, MemberStatus.LEFT, MemberStatus.LEAVING


def test_a_healthy_cluster_has_no_reasons() -> None:
    status = decide(context(), snapshot())
    assert status.healthy
    assert status.reasons == ()
    assert dict(status.consul_leaders) == {MGMT: "n1", STORAGE: "n1", TENANT: "n1"}
    assert status.nomad_leader == "n2"
    assert [(n.name, n.server, n.consul_voter, n.nomad_voter) for n in status.nodes] == [
        ("n1", True, True, True),
        ("n2", True, True, True),
        ("n3", True, True, True),
        ("n4", False, False, False),
        ("n5", False, False, False),
    ]
    assert {n.nomad for n in status.nodes} == {NomadState.READY}
    assert {state for n in status.nodes for state in n.networks.values()} == {AgentState.ALIVE}
    assert status.services == (ServiceStatus("demo", desired=2, healthy=2),)


REASONS: list[tuple[str, Snapshot, list[str]]] = [
    (
        "a dead client host",
        replace(
            with_members(n4=FAILED),
            nomad={name: nomad_view(nodes=nodes(n4="down"), jobs=()) for name in SERVERS},
        ),
        ["n4: failed on mgmt, storage, tenant", "n4: Nomad client is down"],
    ),
    (
        "one network of a node is dead",
        with_consul(STORAGE, members=members(n5=FAILED)),
        ["n5: failed on storage"],
    ),
    ("an agent left", with_consul(TENANT, members=members(n5=LEFT)), ["n5: left on tenant"]),
    ("an agent leaves", with_consul(TENANT, members=members(n5=LEAVING)), ["n5: left on tenant"]),
    ("an agent never came", with_consul(MGMT, members=members(n4=None)), ["n4: absent on mgmt"]),
    (
        "one network without a leader",
        with_consul(STORAGE, raft=raft(leader=None)),
        ["Consul storage has no leader"],
    ),
    ("Nomad without a leader", with_nomad(raft=raft(leader=None)), ["Nomad has no leader"]),
    (
        "a server is no voter",
        with_consul(TENANT, raft=raft(voters=("n1", "n2"))),
        ["n3: a server, but no voter of Consul tenant"],
    ),
    (
        "a server is no voter of Nomad",
        with_nomad(raft=raft(voters=("n1", "n2"))),
        ["n3: a server, but no voter of Nomad"],
    ),
    ("a Nomad client is down", with_nomad(nodes=nodes(n2="down")), ["n2: Nomad client is down"]),
    (
        "a Nomad client is cut off",
        with_nomad(nodes=nodes(n2="disconnected")),
        ["n2: Nomad client is down"],
    ),
    (
        "a Nomad client never came",
        with_nomad(nodes=nodes(n3=None)),
        ["n3: Nomad client is absent"],
    ),
    (
        "autopilot finds a live server unfit",
        with_consul(MGMT, autopilot=autopilot("n2")),
        ["n2: unhealthy to the autopilot of Consul mgmt"],
    ),
    (
        "the API of a live server is silent",
        silent("n3"),
        [
            "n3: Consul mgmt does not answer (n3 is silent)",
            "n3: Consul storage does not answer (n3 is silent)",
            "n3: Consul tenant does not answer (n3 is silent)",
            "n3: Nomad does not answer (n3 is silent)",
        ],
    ),
    (
        "nobody answers",
        silent(*SERVERS),
        [
            "Consul mgmt: no server answers (n1 is silent)",
            "Consul storage: no server answers (n1 is silent)",
            "Consul tenant: no server answers (n1 is silent)",
            "Nomad: no server answers (n1 is silent)",
        ],
    ),
    (
        "a service lacks an instance",
        with_nomad(jobs=(job(allocation(0)),)),
        ["service demo: 1 of 2 healthy"],
    ),
]


@pytest.mark.parametrize(
    ("seen", "reasons"), [case[1:] for case in REASONS], ids=[case[0] for case in REASONS]
)
def test_each_fault_has_its_reason(seen: Snapshot, reasons: list[str]) -> None:
    status = decide(context(), seen)
    assert list(status.reasons) == reasons
    assert not status.healthy


def test_a_dead_server_is_not_also_called_silent_or_unfit() -> None:
    dead = with_members(n3=FAILED)
    unknown = Unknown("no answer in time")
    leader = consul_view(NetworkName.MGMT, members=members(n3=FAILED), autopilot=autopilot("n3"))
    consul = {net: {**views, "n1": leader, "n3": unknown} for net, views in dead.consul.items()}
    nomad = {name: nomad_view(nodes=nodes(n3="down")) for name in ("n1", "n2")}
    status = decide(context(), replace(dead, consul=consul, nomad={**nomad, "n3": unknown}))
    assert list(status.reasons) == [
        "n3: failed on mgmt, storage, tenant",
        "n3: Nomad client is down",
    ]


def test_a_server_that_is_cut_off_is_not_believed() -> None:
    """The first server lost its storage network: it sees all others failed, they see it failed."""
    cut_off = consul_view(members=members(n2=FAILED, n3=FAILED, n4=FAILED, n5=FAILED),
                          raft=raft(leader=None))  # fmt: skip
    others = consul_view(members=members(n1=FAILED), raft=raft(leader="n2"))
    views = {"n1": cut_off, "n2": others, "n3": others}
    seen = replace(snapshot(), consul={**snapshot().consul, STORAGE: views})
    status = decide(context(), seen)
    assert list(status.reasons) == ["n1: failed on storage"]
    assert status.consul_leaders[STORAGE] == "n2"


def test_of_two_leaders_the_one_with_more_members_is_believed() -> None:
    old = consul_view(members=members(n2=FAILED, n3=FAILED), raft=raft(leader="n1"))
    new = consul_view(members=members(n1=FAILED), raft=raft(leader="n2"))
    views = {"n1": old, "n2": new, "n3": new}
    seen = replace(snapshot(), consul={**snapshot().consul, TENANT: views})
    assert decide(context(), seen).consul_leaders[TENANT] == "n2"


def test_without_any_leader_the_widest_view_is_believed() -> None:
    narrow = consul_view(members=members(n2=FAILED, n4=FAILED), raft=raft(leader=None))
    wide = consul_view(members=members(n1=FAILED), raft=raft(leader=None))
    seen = replace(snapshot(), consul={**snapshot().consul, STORAGE: {"n1": narrow, "n2": wide}})
    states = {n.name: n.networks[STORAGE] for n in decide(context(), seen).nodes}
    assert states["n1"] is AgentState.FAILED
    assert states["n4"] is AgentState.ALIVE


def test_what_cannot_be_asked_is_unknown() -> None:
    status = decide(context(), silent(*SERVERS))
    for node in status.nodes:
        assert set(node.networks.values()) == {AgentState.UNKNOWN}
        assert (node.consul_voter, node.nomad_voter) == (None, None)
        assert node.nomad is NomadState.UNKNOWN
    assert [node.server for node in status.nodes] == [True, True, True, False, False]
    assert set(status.consul_leaders.values()) == {None}
    assert status.services == ()


def test_a_voter_of_consul_votes_on_every_network() -> None:
    status = decide(context(), with_consul(TENANT, raft=raft(voters=("n1", "n2"))))
    assert [node.consul_voter for node in status.nodes] == [True, True, False, False, False]


def test_a_node_that_joined_later_is_shown_as_it_is_now() -> None:
    joined = Member(name="n6", address="", status=MemberStatus.ALIVE, server=True)
    gone = Member(name="n7", address="", status=MemberStatus.LEFT, server=False)
    later = (*members(), joined, gone)
    seen = replace(
        snapshot(),
        consul={
            net: {name: consul_view(net, members=later, raft=raft(voters=(*SERVERS, "n6")))
                  for name in SERVERS}
            for net in NETWORKS
        },
        nomad={
            name: nomad_view(nodes=nodes(n6="ready"), raft=raft(voters=(*SERVERS, "n6")))
            for name in SERVERS
        },
    )  # fmt: skip
    status = decide(context(), seen)
    assert status.healthy
    assert [node.name for node in status.nodes] == ["n1", "n2", "n3", "n4", "n5", "n6"]
    assert (status.nodes[-1].zone, status.nodes[-1].server) == ("", True)


def test_a_reinstalled_node_is_ready_when_one_of_its_ids_is() -> None:
    old = replace(nodes()[0], id="old", status="down")
    status = decide(context(), with_nomad(nodes=(old, *nodes())))
    assert status.nodes[0].nomad is NomadState.READY


def test_a_cluster_of_one_network_and_server_is_judged_alike() -> None:
    only = (MGMT,)
    status = decide(context(only), snapshot(only))
    assert status.healthy
    assert list(status.consul_leaders) == [MGMT]


def late(checks: tuple[Check, ...]) -> Snapshot:
    """Nomad gave an instance up, and these are the checks of Consul now."""
    jobs = (job(allocation(0, healthy=False), allocation(1)),)
    return replace(with_consul(MGMT, checks=checks), nomad=with_nomad(jobs=jobs).nomad)


UNHEALTHY_INSTANCES = {
    "pending": with_nomad(jobs=(job(allocation(0, status="pending"), allocation(1)),)),
    "found unhealthy, and no check says more": late(CHECKS[:-2]),
    "found unhealthy, and its check fails": late(
        (*CHECKS, check("n4", "critical", allocation=ALLOCATIONS[0]))
    ),
    "found unhealthy, and only its role is checked": late(
        (*CHECKS[:-2], replace(CHECKS[-2], service_tags=(ROLE_TAG,)))
    ),
    "its node is down": with_nomad(nodes=nodes(n4="down")),
    "its check fails": with_consul(
        MGMT, checks=(*CHECKS, check("n4", "critical", allocation=ALLOCATIONS[0]))
    ),
    "its check warns": with_consul(
        MGMT, checks=(*CHECKS, check("n4", "warning", allocation=ALLOCATIONS[0]))
    ),
    "gossip lost its node": with_consul(
        MGMT, checks=(*CHECKS, check("n4", "critical", check_id="serfHealth"))
    ),
}


@pytest.mark.parametrize("seen", UNHEALTHY_INSTANCES.values(), ids=UNHEALTHY_INSTANCES.keys())
def test_an_instance_is_not_healthy_when(seen: Snapshot) -> None:
    assert decide(context(), seen).services == (ServiceStatus("demo", desired=2, healthy=1),)


HEALTHY_INSTANCES = {
    "its deployment is undecided": with_nomad(
        jobs=(job(allocation(0, healthy=None), allocation(1)),)
    ),
    "found unhealthy, and it passes since": late(CHECKS),
    "another service of its node fails": with_consul(
        MGMT, checks=(*CHECKS, check("n4", "critical", allocation=f"{ALLOCATIONS[0][:-1]}9"))
    ),
}


@pytest.mark.parametrize("seen", HEALTHY_INSTANCES.values(), ids=HEALTHY_INSTANCES.keys())
def test_an_instance_is_healthy_though(seen: Snapshot) -> None:
    assert decide(context(), seen).services == (ServiceStatus("demo", desired=2, healthy=2),)


def test_only_running_service_jobs_are_services() -> None:
    jobs = (
        job(name="stopped", stopped=True),
        job(name="batch", type="batch"),
        job(name="zeta", desired=0),
        job(),
    )
    status = decide(context(), with_nomad(jobs=jobs))
    assert [service.name for service in status.services] == ["demo", "zeta"]


def test_the_json_has_every_field_in_json_types() -> None:
    view = decide(context(), with_consul(NetworkName.MGMT, members=members(n5=FAILED))).as_json()
    assert view["schema"] == "bob/status/1"
    assert view["cluster"] == "c1"
    assert view["healthy"] is False
    assert view["reasons"] == ["n5: failed on mgmt"]
    assert view["leaders"] == {
        "consul": {"mgmt": "n1", "storage": "n1", "tenant": "n1"},
        "nomad": "n2",
    }
    assert view["nodes"][0] == {
        "name": "n1",
        "zone": "rack1",
        "networks": {"mgmt": "alive", "storage": "alive", "tenant": "alive"},
        "server": True,
        "consul_voter": True,
        "nomad_voter": True,
        "nomad": "ready",
    }
    assert view["services"] == [{"name": "demo", "desired": 2, "healthy": 2}]


def test_a_node_in_maintenance_is_shown_and_no_complaint() -> None:
    resting = tuple(replace(n, eligible=n.name != "n4") for n in nodes())
    status = decide(context(), with_nomad(nodes=resting))
    assert status.healthy
    assert [n.name for n in status.nodes if n.nomad is NomadState.MAINTENANCE] == ["n4"]
