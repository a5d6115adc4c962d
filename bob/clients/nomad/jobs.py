"""Jobs: parse the text, plan, register exactly what was planned, stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bob.clients.http import Http, Refused, Unreachable

INDEX_DIFFERS = "Enforcing job modify index"  # how Nomad begins that answer, with status 500

Job = dict[str, Any]
"""A job in the form of the API, as `parse` returns it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a registration would do.

    `diff_type` is None, Added or Edited (Nomad's words); `unplaced` holds the groups for which no
    node fits, with Nomad's reasons; `index` is what `register` takes.
    """

    diff_type: str
    diff: Mapping[str, Any]
    updates: Mapping[str, Mapping[str, int]]
    unplaced: Mapping[str, Mapping[str, Any]]
    warnings: str
    index: int

    @property
    def changes(self) -> bool:
        """Whether the job on the servers differs."""
        return self.diff_type != "None"


@dataclass(frozen=True, slots=True)
class Registration:
    """An accepted change: the evaluation that carries it out and the job's new index."""

    evaluation: str
    index: int
    warnings: str


class Jobs:
    """Calls that read or change one job."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def get(self, job: str, *, namespace: str = "default") -> Job | None:
        """The job as registered, or None."""
        answer = self._http.request(
            "GET", _path(job), params={"namespace": namespace}, accept={HTTPStatus.NOT_FOUND}
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        found: Job = answer.json()
        return found

    def versions(self, job: str, *, namespace: str = "default") -> tuple[Job, ...]:
        """The versions of a job that are remembered (six), the newest first."""
        answer = self._http.request(
            "GET",
            f"{_path(job)}/versions",
            params={"namespace": namespace},
            accept={HTTPStatus.NOT_FOUND},
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        return tuple(answer.json()["Versions"] or ())

    def parse(self, text: str, variables: str = "") -> Job:
        """The job that an HCL text describes, with Nomad's defaults filled in.

        `variables` is in the form of a variables file. Raises `Refused` with Nomad's reason.
        """
        body = {"JobHCL": text, "Variables": variables, "Canonicalize": True}
        job: Job = self._http.request("POST", "/v1/jobs/parse", body=body).json()
        return job

    def plan(self, job: Mapping[str, Any]) -> Plan:
        """What registering `job` would change."""
        request = {"Job": job, "Diff": True}
        body = self._http.request(
            "POST", f"{_path(job['ID'])}/plan", params=_namespace(job), body=request
        ).json()
        return Plan(
            diff_type=body["Diff"]["Type"],
            diff=body["Diff"],
            updates=(body["Annotations"] or {}).get("DesiredTGUpdates") or {},
            unplaced=body["FailedTGAllocs"] or {},
            warnings=body["Warnings"],
            index=body["JobModifyIndex"],
        )

    def register(self, job: Mapping[str, Any], index: int | None = None) -> Registration:
        """Register `job`; with `index` only if the job still has it (0: does not exist yet).

        Raises `Refused` when the index differs: someone changed the job since it was planned.
        """
        body: dict[str, Any] = {"Job": job}
        if index is not None:
            body |= {"EnforceIndex": True, "JobModifyIndex": index}
        try:
            answer = self._http.request("POST", "/v1/jobs", params=_namespace(job), body=body)
        except Unreachable as error:
            if INDEX_DIFFERS not in error.message:
                raise
            raise Refused(
                f"job {job['ID']} was changed by someone else: {error.message}",
                status=HTTPStatus.CONFLICT,
                cure="Look at the new plan and try again.",
            ) from error
        return _registration(answer.json())

    def deregister(
        self, job: str, *, purge: bool = False, namespace: str = "default"
    ) -> Registration:
        """Stop a job; `purge` also forgets it."""
        params = {"purge": "true" if purge else "false", "namespace": namespace}
        return _registration(self._http.request("DELETE", _path(job), params=params).json())


def _path(job: str) -> str:
    return f"/v1/job/{quote(job, safe='')}"


def _namespace(job: Mapping[str, Any]) -> dict[str, str]:
    return {"namespace": job.get("Namespace") or "default"}


def _registration(body: Mapping[str, Any]) -> Registration:
    return Registration(
        evaluation=body["EvalID"],
        index=body["JobModifyIndex"],
        warnings=body.get("Warnings", ""),
    )
