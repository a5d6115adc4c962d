"""What the robot relies on when it changes jobs and nodes; the fake has to do the same."""

from __future__ import annotations

from typing import Any

import pytest

from bob.clients.http import Refused
from bob.clients.nomad import Allocation, Node, Nomad
from bob.waiting import wait_for

SECONDS = 60.0
HCL = """
job "NAME" {
  datacenters = ["*"]
  group "NAME" {
    count = COUNT
    update {
      min_healthy_time  = "0s"
      progress_deadline = "24h"
    }
    task "sleep" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["SLEEP"]
      }
      resources {
        cpu    = 10
        memory = 10
      }
    }
  }
}
"""


def parse(nomad: Nomad, name: str, count: int = 1, sleep: int = 600) -> dict[str, Any]:
    text = HCL.replace("NAME", name).replace("COUNT", str(count)).replace("SLEEP", str(sleep))
    return nomad.jobs.parse(text)


def run(nomad: Nomad, job: dict[str, Any]) -> int:
    """Register a job as it was planned; its index."""
    return nomad.jobs.register(job, nomad.jobs.plan(job).index).index


def version(nomad: Nomad, name: str) -> int:
    found = nomad.jobs.get(name)
    assert found is not None
    return int(found["Version"])


def live(nomad: Nomad, name: str) -> list[Allocation]:
    found = nomad.state.allocations(name)
    return [each for each in found if each.running and each.desired == "run"]


def await_live(nomad: Nomad, name: str, count: int) -> list[Allocation]:
    """The instances of a job, once so many of its present version are healthy."""

    def there() -> list[Allocation] | None:
        found = [a for a in live(nomad, name) if a.version == version(nomad, name) and a.healthy]
        return found if len(found) == len(live(nomad, name)) == count else None

    if count:
        return wait_for(there, what=f"{count} of {name}", deadline=SECONDS)
    wait_for(lambda: not live(nomad, name), what=f"none of {name}", deadline=SECONDS)
    return []


def node(nomad: Nomad) -> Node:
    (found,) = nomad.state.nodes()
    return found


def test_a_node_shows_which_drivers_work(nomad: Nomad) -> None:
    assert "raw_exec" in node(nomad).drivers


def test_a_node_lists_instances_whose_health_is_not_known_yet(nomad: Nomad, job: str) -> None:
    text = HCL.replace('min_healthy_time  = "0s"', 'min_healthy_time  = "60s"')
    text = text.replace("NAME", job).replace("COUNT", "1").replace("SLEEP", "600")
    run(nomad, nomad.jobs.parse(text))
    wait_for(lambda: live(nomad, job), what="an instance", deadline=SECONDS)
    found = [each.id for each in nomad.nodes.allocations(node(nomad).id) if each.job == job]
    assert found == [each.id for each in live(nomad, job)]


def test_a_job_is_registered_only_at_the_index_of_its_plan(nomad: Nomad, job: str) -> None:
    wanted = parse(nomad, job)
    plan = nomad.jobs.plan(wanted)
    assert (plan.diff_type, plan.index, plan.updates[job]["Place"]) == ("Added", 0, 1)
    index = nomad.jobs.register(wanted, plan.index).index
    with pytest.raises(Refused) as refusal:
        nomad.jobs.register(parse(nomad, job, sleep=601), 0)
    assert refusal.value.status == 409
    found = nomad.jobs.get(job)
    assert found is not None
    assert (found["JobModifyIndex"], found["Version"], found["Stop"]) == (index, 0, False)
    assert nomad.jobs.plan(wanted).index == index


def test_the_same_job_again_is_no_new_version(nomad: Nomad, job: str) -> None:
    index = run(nomad, parse(nomad, job))
    assert not nomad.jobs.plan(parse(nomad, job)).changes
    assert run(nomad, parse(nomad, job)) > index
    assert version(nomad, job) == 0


def test_another_count_in_the_registered_job_is_a_version_that_replaces_nothing(
    nomad: Nomad, job: str
) -> None:
    run(nomad, parse(nomad, job))
    (before,) = await_live(nomad, job, 1)
    known = nomad.jobs.get(job)
    assert known is not None
    known["TaskGroups"][0] = known["TaskGroups"][0] | {"Count": 0}
    plan = nomad.jobs.plan(known)
    assert (plan.changes, plan.updates[job]["Stop"], plan.updates[job]["Place"]) == (True, 1, 0)
    run(nomad, known)
    await_live(nomad, job, 0)
    (state,) = [each for each in nomad.state.job_states() if each.id == job]
    assert (state.desired, state.stopped, state.version) == (0, False, 1)
    run(nomad, parse(nomad, job))
    (after,) = await_live(nomad, job, 1)
    assert after.id != before.id
    assert version(nomad, job) == 2


def test_other_meta_data_replaces_every_instance(nomad: Nomad, job: str) -> None:
    """So the marks of an operation are put on a job only when its instances are replaced anyway."""
    run(nomad, parse(nomad, job))
    (before,) = await_live(nomad, job, 1)
    marked = parse(nomad, job) | {"Meta": {"bob_operation": "one"}}
    assert nomad.jobs.plan(marked).updates[job]["DestructiveUpdate"] == 1
    run(nomad, marked)
    (after,) = await_live(nomad, job, 1)
    assert after.id != before.id


def test_a_stopped_job_differs_from_the_same_one_running(nomad: Nomad, job: str) -> None:
    run(nomad, parse(nomad, job))
    await_live(nomad, job, 1)
    nomad.jobs.deregister(job)
    await_live(nomad, job, 0)
    found = nomad.jobs.get(job)
    assert found is not None
    assert (found["Stop"], found["Version"]) == (True, 1)
    plan = nomad.jobs.plan(parse(nomad, job))
    assert (plan.changes, plan.updates[job]["Place"]) == (True, 1)
    run(nomad, parse(nomad, job))
    await_live(nomad, job, 1)
    nomad.jobs.deregister(job, purge=True)
    assert nomad.jobs.get(job) is None


def test_draining_empties_a_node_and_leaves_it_out_until_it_is_admitted(
    nomad: Nomad, job: str
) -> None:
    run(nomad, parse(nomad, job))
    (before,) = await_live(nomad, job, 1)
    assert [a.id for a in nomad.nodes.allocations(node(nomad).id) if not a.over] == [before.id]
    nomad.nodes.drain(node(nomad).id, 30.0)

    def empty() -> bool:
        here = nomad.nodes.allocations(node(nomad).id)
        return all(a.over for a in here if a.job == job) and not node(nomad).draining

    wait_for(empty, what="the node is empty", deadline=SECONDS)
    assert not node(nomad).eligible
    assert node(nomad).ready
    assert list(nomad.jobs.plan(parse(nomad, job, sleep=601)).unplaced) == [job]
    nomad.nodes.end_drain(node(nomad).id, eligible=True)
    (after,) = await_live(nomad, job, 1)
    assert after.id != before.id


def test_a_node_that_is_not_eligible_keeps_what_it_has_and_gets_nothing(
    nomad: Nomad, job: str
) -> None:
    run(nomad, parse(nomad, job))
    (before,) = await_live(nomad, job, 1)
    nomad.nodes.set_eligible(node(nomad).id, False)
    assert not node(nomad).eligible
    assert [a.id for a in live(nomad, job)] == [before.id]
    nomad.nodes.set_eligible(node(nomad).id, True)
    assert node(nomad).eligible


def test_the_deployment_of_a_version_is_successful_in_the_end(nomad: Nomad, job: str) -> None:
    run(nomad, parse(nomad, job))

    def successful() -> bool:
        found = nomad.rollouts.deployment(job)
        return found is not None and (found.version, found.status) == (0, "successful")

    wait_for(successful, what="deployed", deadline=SECONDS)
