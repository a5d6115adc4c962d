"""How a registered job comes up: its deployment, and what its tasks say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bob.clients.http import Http

LOG_BYTES = 2000
STDOUT, STDERR = "stdout", "stderr"
KILLING = "Killing"
# Types of events that follow from an earlier one and do not tell why.
CONSEQUENCES = frozenset(
    {"Alloc Unhealthy", "Killed", KILLING, "Not Restarting", "Restarting", "Started"}
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The change to one version of a job. `status` is running, successful, failed, cancelled, …"""

    version: int
    status: str
    description: str


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """The last telling event of a task, in Nomad's words."""

    allocation: str
    node_name: str
    task: str
    message: str


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """A task of an allocation and the node it is on. `state` is pending, running or dead."""

    allocation: str
    node_name: str
    task: str
    state: str


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

    def events(self, job: str, *, namespace: str = "default") -> tuple[TaskEvent, ...]:
        """What happened to the tasks of the newest allocation on each node, by node."""
        newest = self._newest(job, namespace)
        return tuple(
            TaskEvent(newest[node]["ID"], node, task, _message(state["Events"]))
            for node in sorted(newest)
            for task, state in sorted((newest[node]["TaskStates"] or {}).items())
            if state["Events"]
        )

    def tasks(self, job: str, *, namespace: str = "default") -> tuple[TaskPlace, ...]:
        """The tasks of the newest allocation on each node, by node."""
        newest = self._newest(job, namespace)
        return tuple(
            TaskPlace(newest[node]["ID"], node, task, state["State"])
            for node in sorted(newest)
            for task, state in sorted((newest[node]["TaskStates"] or {}).items())
        )

    def stderr(self, allocation: str, task: str) -> str:
        """The end of what a task wrote to its standard error; fetched from its node."""
        return self.log(allocation, task, STDERR, LOG_BYTES)

    def log(self, allocation: str, task: str, stream: str, last: int) -> str:
        """The last bytes of a log of a task ("stdout" or "stderr"); fetched from its node."""
        answer = self._http.request(
            "GET",
            f"/v1/client/fs/logs/{quote(allocation, safe='')}",
            params={
                "task": task, "type": stream, "plain": "true", "origin": "end", "offset": last,
            },
            accept={HTTPStatus.NOT_FOUND},
        )  # fmt: skip
        return "" if answer.status == HTTPStatus.NOT_FOUND else answer.body.decode(errors="replace")

    def _newest(self, job: str, namespace: str) -> dict[str, Mapping[str, Any]]:
        newest: dict[str, Mapping[str, Any]] = {}
        found = self._get(job, "allocations", namespace) or ()
        for allocation in sorted(found, key=lambda each: int(each["CreateIndex"])):
            newest[allocation["NodeName"]] = allocation
        return newest

    def _get(self, job: str, what: str, namespace: str) -> Any:
        answer = self._http.request(
            "GET",
            f"/v1/job/{quote(job, safe='')}/{what}",
            params={"namespace": namespace},
            accept={HTTPStatus.NOT_FOUND},
        )
        return None if answer.status == HTTPStatus.NOT_FOUND else answer.json()


def _message(events: Sequence[Mapping[str, Any]]) -> str:
    telling = [event for event in events if _tells(event)] or events
    return str(telling[-1]["DisplayMessage"] or telling[-1]["Type"])


def _tells(event: Mapping[str, Any]) -> bool:
    """The event says why. A template that cannot be rendered does so in the order to kill."""
    reason = event["Type"] == KILLING and event.get("FailsTask")
    return bool(reason) or event["Type"] not in CONSEQUENCES
