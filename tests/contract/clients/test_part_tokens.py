"""The token of a part of Bob in a real Nomad: made once, good for looking and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from loopback_agents import RunningAgent

from bob.clients.http import Refused
from bob.clients.nomad import Nomad
from bob.provision.access import HEALTH_NOMAD_POLICY, HEALTH_NOMAD_RULES

JOB = {
    "ID": "x", "Name": "x", "Type": "batch", "Datacenters": ["dc1"],
    "TaskGroups": [{"Name": "g", "Tasks": [
        {"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"}}]}],
}  # fmt: skip


@pytest.fixture
def looking(nomad: Nomad, nomad_running: RunningAgent) -> Nomad:
    """A small daemon's client with the token of the healthcheck."""
    nomad.acl.ensure_policy(HEALTH_NOMAD_POLICY, HEALTH_NOMAD_RULES, "looks")
    secret = nomad.acl.ensure_token(HEALTH_NOMAD_POLICY, [HEALTH_NOMAD_POLICY])
    return Nomad.light(nomad_running.address, secret, nomad_running.ca_file)


def test_a_second_time_gives_the_same_token(nomad: Nomad, looking: Nomad) -> None:
    again = nomad.acl.ensure_token(HEALTH_NOMAD_POLICY, [HEALTH_NOMAD_POLICY])
    own = looking.acl.self()
    assert own is not None and own.policies == (HEALTH_NOMAD_POLICY,)
    other = Nomad(nomad.http.address, again, Path(str(nomad.http._verify))).acl.self()
    assert other is not None and other.accessor_id == own.accessor_id


def test_it_sees_servers_nodes_and_jobs(looking: Nomad) -> None:
    (server,) = looking.state.servers()
    assert server.name == "host11"
    assert looking.leader().rpartition(":")[0] == server.address
    assert {looking.leader()} == looking.peers()
    assert [node.name for node in looking.state.nodes(stale=True)] == ["host11"]
    assert looking.state.job_states(stale=True) is not None


def test_it_changes_nothing_and_sees_no_secret(looking: Nomad) -> None:
    with pytest.raises(Refused):
        looking.jobs.register(JOB)
    with pytest.raises(Refused):
        looking.nodes.drain(looking.state.nodes()[0].id, 1)
    with pytest.raises(Refused):
        looking.acl.ensure_policy("more", HEALTH_NOMAD_RULES, "")
