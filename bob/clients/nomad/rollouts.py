"""How a registered job comes up: its deployment, and what its tasks say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bob.clients.http import Http


@dataclass(frozen=True, slots=True)
class Deployment:
    """The change to one version of a job. `status` is running, successful, failed, cancelled, …"""

    version: int
    status: str
    description: str


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """What a task of an allocation last said, in Nomad's words. `failed`: for good."""

    allocation: str
    node_name: str
    task: str
    message: str
    failed: bool


class Rollouts:
    """Reads about the progress of one job."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def deployment(self, job: str, *, namespace: str = "default") -> Deployment | None:
        """The newest deployment of a job, or None when it never had one."""
        body = self._get(job, "deployment", namespace)
        if not body:
            return None
        return Deployment(body["JobVersion"], body["Status"], body["StatusDescription"])

    def events(
        self, job: str, version: int, *, namespace: str = "default"
    ) -> tuple[TaskEvent, ...]:
        """The last event of each task of a version of the job, by allocation."""
        return tuple(
            _event(allocation, task, state)
            for allocation in self._get(job, "allocations", namespace) or ()
            if allocation["JobVersion"] == version
            for task, state in sorted((allocation["TaskStates"] or {}).items())
            if state["Events"]
        )

    def _get(self, job: str, what: str, namespace: str) -> Any:
        answer = self._http.request(
            "GET",
            f"/v1/job/{quote(job, safe='')}/{what}",
            params={"namespace": namespace},
            accept={HTTPStatus.NOT_FOUND},
        )
        return None if answer.status == HTTPStatus.NOT_FOUND else answer.json()


def _event(allocation: Mapping[str, Any], task: str, state: Mapping[str, Any]) -> TaskEvent:
    # "Not Restarting" comes last and says only that; the reason is in the event before it.
    telling = [e for e in state["Events"] if e["Type"] != "Not Restarting"] or state["Events"]
    return TaskEvent(
        allocation=allocation["ID"],
        node_name=allocation["NodeName"],
        task=task,
        message=telling[-1]["DisplayMessage"] or telling[-1]["Type"],
        failed=state["Failed"],
    )
