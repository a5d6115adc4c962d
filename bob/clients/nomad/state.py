"""What Nomad knows: servers, client nodes, jobs and allocations."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bob.clients.http import Http
from bob.clients.nomad.records import (
    AgentHealth,
    Allocation,
    GroupSummary,
    JobState,
    JobStub,
    Node,
    Server,
    allocation,
)
from bob.clients.quorum import node_name

ALL_NAMESPACES = "*"


class State:
    """Reads of cluster state. `stale` lets any server answer, also without a leader."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def servers(self) -> tuple[Server, ...]:
        """The servers in gossip. A dead one is shown as alive for about 35 s (WAN profile)."""
        body = self._http.request("GET", "/v1/agent/members").json()
        return tuple(
            Server(name=node_name(m["Name"]), address=m["Addr"], status=m["Status"])
            for m in body["Members"] or ()
        )

    def agent_health(self) -> AgentHealth:
        """Health of the asked agent (an unhealthy part is not an error)."""
        answer = self._http.request(
            "GET", "/v1/agent/health", accept={HTTPStatus.INTERNAL_SERVER_ERROR}
        )
        body = answer.json()
        parts = (body[part]["ok"] if part in body else None for part in ("server", "client"))
        return AgentHealth(*parts)

    def nodes(self, *, stale: bool = False) -> tuple[Node, ...]:
        """All client nodes, also those that are down and not yet garbage collected."""
        return tuple(
            Node(
                id=node["ID"],
                name=node["Name"],
                address=node["Address"],
                status=node["Status"],
                eligible=node["SchedulingEligibility"] == "eligible",
                draining=node["Drain"],
                drivers=frozenset(
                    name for name, found in (node["Drivers"] or {}).items() if found["Healthy"]
                ),
            )
            for node in self._get("/v1/nodes", stale=stale)
        )

    def jobs(self, *, namespace: str = ALL_NAMESPACES, stale: bool = False) -> tuple[JobStub, ...]:
        """All jobs with the state of their groups."""
        return tuple(_stub(job) for job in self._get("/v1/jobs", stale=stale, namespace=namespace))

    def job_states(
        self, *, namespace: str = ALL_NAMESPACES, stale: bool = False
    ) -> tuple[JobState, ...]:
        """All jobs with their counts and current allocations, in one request."""
        found = self._get("/v1/jobs/statuses", stale=stale, namespace=namespace)
        return tuple(_job_state(job) for job in found)

    def allocations(self, job: str, *, namespace: str = "default") -> tuple[Allocation, ...]:
        """The allocations of a job, also finished ones that are not yet garbage collected."""
        path = f"/v1/job/{quote(job, safe='')}/allocations"
        return tuple(allocation(a) for a in self._get(path, namespace=namespace))

    def host_volumes(self) -> tuple[tuple[str, str], ...]:
        """Volumes that Nomad made on single hosts: id of the node and name of each."""
        answer = self._http.request(
            "GET", "/v1/volumes", params={"type": "host", "namespace": ALL_NAMESPACES}
        )
        return tuple((volume["NodeID"], volume["Name"]) for volume in answer.json() or ())

    def _get(self, path: str, *, stale: bool = False, namespace: str = "") -> Any:
        params = {"stale": ""} if stale else {}
        if namespace:
            params["namespace"] = namespace
        return self._http.request("GET", path, params=params).json()


def _stub(job: Mapping[str, Any]) -> JobStub:
    groups = (job["JobSummary"] or {}).get("Summary") or {}
    return JobStub(
        id=job["ID"],
        namespace=job["Namespace"],
        name=job["Name"],
        type=job["Type"],
        status=job["Status"],
        stopped=job["Stop"],
        modify_index=job["JobModifyIndex"],
        groups={
            name: GroupSummary(**{key.lower(): int(count) for key, count in states.items()})
            for name, states in groups.items()
        },
    )


def _job_state(job: Mapping[str, Any]) -> JobState:
    return JobState(
        id=job["ID"],
        namespace=job["Namespace"],
        name=job["Name"],
        type=job["Type"],
        stopped=job["Stop"],
        desired=job["GroupCountSum"],
        allocations=tuple(
            Allocation(
                id=a["ID"],
                group=a["Group"],
                node_id=a["NodeID"],
                status=a["ClientStatus"],
                healthy=a["DeploymentStatus"]["Healthy"],
                version=a["JobVersion"],
            )
            for a in job["Allocs"] or ()
        ),
        version=job["Version"],
    )
