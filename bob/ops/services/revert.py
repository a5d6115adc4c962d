"""Bring an earlier version of a job back: a roll-out failed, or an operator asks for it."""

from __future__ import annotations

from bob.clients.nomad import Nomad
from bob.clients.nomad.jobs import Job
from bob.errors import Permanent
from bob.ops.context import OperationContext
from bob.ops.services.jobs import register_as_planned
from bob.ops.services.wishes import ServiceWish, write_wish


def revertible(wish: ServiceWish | None) -> bool:
    """Another version of the service ran before this wish."""
    if wish is None or wish.before is None or wish.before_version is None:
        return False
    return wish.before_version != wish.job_version


def take_back(context: OperationContext, name: str, wish: ServiceWish) -> bool:
    """Wish and run what was wished before; False when Nomad has forgotten that version.

    The wish is written first: from then on the reconciler does the same.
    """
    if wish.before is None or wish.before_version is None:
        return False
    job = version_of(context.nomad, name, wish.before_version)
    if job is None:
        return False
    context.say(f"{name}: bringing the version before back")
    before = ServiceWish(**wish.before.model_dump(), job_version=wish.job_version)
    write_wish(context.records, name, before)
    version = register_as_planned(context.nomad, job)
    write_wish(context.records, name, before.model_copy(update={"job_version": version}))
    return True


def version_of(nomad: Nomad, name: str, version: int) -> Job | None:
    """One version of a job as Nomad remembers it: the latest six."""
    found = (job for job in nomad.jobs.versions(name) if job["Version"] == version)
    return next(found, None)


def known_version(nomad: Nomad, name: str, version: int) -> Job:
    """Like `version_of`. Raises `Permanent` when Nomad has forgotten it."""
    job = version_of(nomad, name, version)
    if job is None:
        raise Permanent(
            f"Nomad no longer has version {version} of the job {name}",
            cure=f"Deploy what you want: bob deploy {name}",
        )
    return job
