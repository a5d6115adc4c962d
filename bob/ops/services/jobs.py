"""The job of a service as it should be, what Nomad would do about it, and its registration.

A job names the operation that made it and the leader's epoch in its meta data. Nomad replaces every
instance when that changes, so the marks stay as they are unless instances are replaced anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from bob.catalogue import Catalogue, Settings, render
from bob.catalogue.render import DEFAULTS
from bob.clients.nomad import Nomad, Plan
from bob.clients.nomad.jobs import Job
from bob.ops.services.constraints import RESTARTS, completed, main_group
from bob.ops.services.wishes import Wanted

OPERATION, EPOCH = "bob_operation", "bob_epoch"
DIGEST_LENGTH = 12


@dataclass(frozen=True)
class Draft:
    """A job that could be registered, and Nomad's plan for it."""

    job: Job
    plan: Plan


def marks_of(operation: str, epoch: int) -> dict[str, str]:
    """The marks that an operation under a leader puts on a job."""
    return {OPERATION: operation, EPOCH: str(epoch)}


@lru_cache(maxsize=1024)
def definition(catalogue: Catalogue, name: str, image: str | None) -> str:
    """A digest of all that makes the job but for the number of instances and the configuration."""
    text = render(catalogue, catalogue.service(name), image)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def draft(
    nomad: Nomad,
    catalogue: Catalogue,
    name: str,
    wanted: Wanted,
    marks: Mapping[str, str] | None = None,
    settings: Settings = DEFAULTS,
) -> Draft:
    """Make the job of a service and let Nomad plan it.

    `marks` are put on a job that is new or whose instances are replaced. A registered job of
    another definition than this Bob has in its catalogue keeps it, unless it is `wanted` so.
    `settings` are the configuration of the wished generation.
    """
    known = nomad.jobs.get(name)
    if (
        known
        and not known["Stop"]
        and wanted.definition != definition(catalogue, name, wanted.image)
    ):
        job = with_count(known, name, wanted.count)
        if wanted.restarts:
            job = _marked(job, {RESTARTS: str(wanted.restarts)})
        return Draft(job, nomad.jobs.plan(job))
    service = catalogue.service(name).model_copy(update={"count": wanted.count})
    placed = replace(settings, nodes=wanted.nodes)
    parsed = nomad.jobs.parse(render(catalogue, service, wanted.image, placed))
    job = completed(parsed, name, wanted)
    kept = _marked(job, _marks(known))
    plan = nomad.jobs.plan(kept)
    if marks and plan.changes and (known is None or known["Stop"] or _replaces(plan)):
        kept = _marked(job, marks)
        plan = nomad.jobs.plan(kept)
    return Draft(kept, plan)


def register(nomad: Nomad, made: Draft) -> int | None:
    """Register exactly what was planned; Nomad's version of the job then, None when it moved on.

    Raises `Refused` when somebody changed the job since it was planned.
    """
    done = nomad.jobs.register(made.job, made.plan.index)
    job = nomad.jobs.get(made.job["ID"])
    return job["Version"] if job and job["JobModifyIndex"] == done.index else None


def register_as_planned(nomad: Nomad, job: Job) -> int | None:
    """Register a whole job, whatever is registered now; its version then. See `register`."""
    running = {**job, "Stop": False}
    return register(nomad, Draft(running, nomad.jobs.plan(running)))


def with_count(job: Job, name: str, count: int) -> Job:
    """The job with so many instances in its main group: the one called like the service."""
    main = main_group(job, name)
    changed = [{**g, "Count": count} if g is main else g for g in job["TaskGroups"]]
    return {**job, "TaskGroups": changed}


def _replaces(plan: Plan) -> bool:
    return any(counts.get("DestructiveUpdate") for counts in plan.updates.values())


def _marks(known: Job | None) -> dict[str, str]:
    meta = (known or {}).get("Meta") or {}
    return {name: meta[name] for name in (OPERATION, EPOCH) if name in meta}


def _marked(job: Job, marks: Mapping[str, str]) -> Job:
    return {**job, "Meta": {**(job.get("Meta") or {}), **marks}} if marks else job
