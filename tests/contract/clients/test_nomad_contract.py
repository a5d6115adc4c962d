"""What Bob relies on in Nomad's API, asked of a real agent."""

from __future__ import annotations

import uuid

import pytest
from loopback_agents import RunningAgent

from bob.clients.http import Refused
from bob.clients.nomad import JobState, Nomad
from bob.errors import Permanent
from bob.waiting import wait_for

JOB = """
variable "count" { default = 1 }

job "sleeper" {
  type = "service"
  group "main" {
    count = var.count
    task "sleep" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
      resources {
        cpu    = 10
        memory = 10
      }
    }
    update { min_healthy_time = "0s" }
  }
}
"""


def sleeper(nomad: Nomad) -> JobState | None:
    return next((job for job in nomad.state.job_states() if job.id == "sleeper"), None)


def test_bootstrap_with_our_secret_is_done_once(nomad: Nomad, nomad_running: RunningAgent) -> None:
    assert nomad.acl.bootstrap(nomad_running.token) is False
    mine = nomad.acl.self()
    assert mine is not None
    assert mine.type == "management"
    other = str(uuid.uuid4())
    stranger = Nomad(nomad_running.address, other, nomad_running.ca_file)
    assert stranger.acl.self() is None
    with pytest.raises(Permanent, match="another secret"):
        stranger.acl.bootstrap(other)


def test_the_servers_are_described(nomad: Nomad) -> None:
    raft = nomad.operator.raft()
    assert [(peer.name, peer.voter, peer.leader) for peer in raft.peers] == [("host11", True, True)]
    assert nomad.operator.raft(stale=True) == raft
    assert nomad.leader() == raft.peers[0].address
    assert nomad.peers() == {raft.peers[0].address}
    assert [(s.name, s.status) for s in nomad.state.servers()] == [("host11", "alive")]
    autopilot = nomad.operator.autopilot()
    assert [(s.name, s.voter) for s in autopilot.servers] == [("host11", True)]
    health = nomad.state.agent_health()
    assert (health.server, health.client) == (True, True)


def test_the_client_node_is_ready(nomad: Nomad) -> None:
    (node,) = nomad.state.nodes(stale=True)
    assert (node.name, node.status, node.eligible, node.draining) == (
        "host11", "ready", True, False,
    )  # fmt: skip


def test_without_a_token_nothing_is_told(nomad: Nomad, nomad_running: RunningAgent) -> None:
    stranger = Nomad(nomad_running.address, "", nomad_running.ca_file)
    with pytest.raises(Refused) as refusal:
        stranger.state.nodes()
    assert refusal.value.status == 403


def test_a_job_text_that_is_wrong_is_refused_with_the_reason(nomad: Nomad) -> None:
    with pytest.raises(Refused, match="banana"):
        nomad.jobs.parse('job "x" { banana = 1 }')


def test_a_job_is_planned_registered_watched_and_stopped(nomad: Nomad) -> None:
    job = nomad.jobs.parse(JOB, "count = 2")
    assert job["ID"] == "sleeper"
    assert nomad.jobs.get("sleeper") is None
    plan = nomad.jobs.plan(job)
    assert (plan.diff_type, plan.changes, plan.index, dict(plan.unplaced)) == (
        "Added", True, 0, {},
    )  # fmt: skip
    assert plan.updates["main"]["Place"] == 2
    registered = nomad.jobs.register(job, plan.index)
    assert registered.evaluation
    with pytest.raises(Refused, match="changed by someone else") as refusal:
        nomad.jobs.register(job, 0)
    assert refusal.value.status == 409

    def two_run() -> JobState | None:
        state = sleeper(nomad)
        good = [a for a in state.allocations if a.running and a.healthy] if state else []
        return state if len(good) == 2 else None

    state = wait_for(two_run, what="two healthy allocations", deadline=60)
    assert (state.desired, state.type, state.stopped) == (2, "service", False)
    assert state.allocations[0].node_id == nomad.state.nodes()[0].id
    allocations = nomad.state.allocations("sleeper")
    assert {a.id for a in allocations} == {a.id for a in state.allocations}
    assert {(a.node_name, a.desired, a.healthy) for a in allocations} == {("host11", "run", True)}
    (stub,) = [job for job in nomad.state.jobs() if job.id == "sleeper"]
    assert (stub.status, stub.groups["main"].running) == ("running", 2)

    again = nomad.jobs.plan(job)
    assert (again.changes, again.index) == (False, registered.index)
    nomad.jobs.deregister("sleeper")
    stopped = sleeper(nomad)
    assert stopped is not None
    assert stopped.stopped
    nomad.jobs.deregister("sleeper", purge=True)
    assert nomad.jobs.get("sleeper") is None


def test_a_job_that_fits_nowhere_is_seen_in_the_plan(nomad: Nomad) -> None:
    job = nomad.jobs.parse(JOB.replace("memory = 10", "memory = 100000"))
    assert list(nomad.jobs.plan(job).unplaced) == ["main"]


def test_a_variable_is_compared_and_set(nomad: Nomad) -> None:
    path = "test/settings"
    assert nomad.variables.get(path) is None
    assert nomad.variables.put(path, {"a": "1"}, cas=0) is True
    assert nomad.variables.put(path, {"a": "2"}, cas=0) is False
    found = nomad.variables.get(path)
    assert found is not None
    assert dict(found.items) == {"a": "1"}
    assert nomad.variables.put(path, {"a": "3"}, cas=found.modify_index) is True
    assert nomad.variables.put(path, {"b": "4"}) is True


def test_a_job_without_a_name_does_not_exist(nomad: Nomad) -> None:
    assert nomad.jobs.get("no/such job") is None
