"""What Nomad tells about a job that comes up, or does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import pytest

from bob.clients.http import Answer, Http
from bob.clients.nomad.rollouts import Deployment, Rollouts, TaskEvent


class FakeHttp:
    """Gives each path its answer; an unknown one is 404."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers

    def request(self, method: str, path: str, **_: Any) -> Answer:
        found = self.answers.get(path)
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        return Answer(path, 200 if path in self.answers else 404, body, 0)


def rollouts(**answers: Any) -> Rollouts:
    return Rollouts(
        cast(Http, FakeHttp({f"/v1/job/web/{what}": body for what, body in answers.items()}))
    )


def allocation(index: int, node: str, *events: tuple[str, str]) -> dict[str, Any]:
    return {
        "ID": f"id{index}",
        "NodeName": node,
        "CreateIndex": index,
        "TaskStates": {
            "page": {"Events": [{"Type": kind, "DisplayMessage": said} for kind, said in events]}
        },
    }


def test_a_deployment() -> None:
    body = {"JobVersion": 2, "Status": "running", "StatusDescription": "it runs"}
    assert rollouts(deployment=body).deployment("web") == Deployment(2, "running", "it runs")


def test_no_deployment_and_no_job_are_none() -> None:
    assert rollouts(deployment=None).deployment("web") is None
    assert rollouts().deployment("web") is None


def test_the_newest_allocation_of_each_node_tells() -> None:
    found = rollouts(
        allocations=[
            allocation(9, "n2", ("Driver Failure", "no image")),
            allocation(3, "n1", ("Terminated", "Exit Code: 1")),
            allocation(7, "n1", ("Terminated", "Exit Code: 2")),
        ]
    ).events("web")
    assert found == (
        TaskEvent("id7", "n1", "page", "Exit Code: 2"),
        TaskEvent("id9", "n2", "page", "no image"),
    )


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (
            [
                ("Started", "Task started by client"),
                ("Terminated", "Exit Code: 1"),
                ("Not Restarting", "Exceeded allowed attempts"),
                ("Alloc Unhealthy", "Unhealthy because of failed task"),
            ],
            "Exit Code: 1",
        ),
        ([("Started", "Task started by client")], "Task started by client"),
        ([("Template", "")], "Template"),
    ],
)
def test_an_event_that_only_follows_from_another_is_passed_over(
    events: list[tuple[str, str]], message: str
) -> None:
    (found,) = rollouts(allocations=[allocation(1, "n1", *events)]).events("web")
    assert found.message == message


def test_the_order_to_kill_a_task_that_failed_says_why() -> None:
    broken = allocation(1, "n1", ("Task Setup", "Building"), ("Killing", "Template failed: x"))
    broken["TaskStates"]["page"]["Events"][1]["FailsTask"] = True
    (found,) = rollouts(allocations=[broken]).events("web")
    assert found.message == "Template failed: x"


def test_a_task_that_has_not_begun_says_nothing() -> None:
    waiting = {"ID": "a", "NodeName": "n1", "CreateIndex": 1, "TaskStates": None}
    assert rollouts(allocations=[waiting]).events("web") == ()


def test_the_end_of_a_log_is_text_and_a_log_that_is_gone_is_empty() -> None:
    there = Rollouts(cast(Http, FakeHttp({"/v1/client/fs/logs/id1": b"one\ntwo \xff\n"})))
    assert there.stderr("id1", "page") == "one\ntwo �\n"
    assert there.stderr("id2", "page") == ""
