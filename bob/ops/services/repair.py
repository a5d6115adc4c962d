"""Make the job of one service as wished, once."""

from __future__ import annotations

from bob.catalogue import Catalogue
from bob.ops.consul_store import ACTIVE
from bob.ops.context import LeaderContext
from bob.ops.services.jobs import draft, marks_of, register
from bob.ops.services.wishes import read_wish, remember_version

RECONCILER = "reconciler"  # stands for an operation in the marks of a job


def repair(context: LeaderContext, catalogue: Catalogue, name: str) -> None:
    """Plan the wished job, and register it when something differs.

    Everything is read anew: since it was found wrong an operation may have begun, and then nothing
    is done. Raises `Refused` when the job is changed meanwhile; the next look sees what is left.
    """
    wish = read_wish(context.consul, name)
    if wish is None or context.consul.kv.get(f"{ACTIVE}service/{name}"):
        return
    marks = marks_of(RECONCILER, context.leader.leadership().epoch)
    made = draft(context.nomad, catalogue, name, wish.wanted, marks)
    if made.plan.changes:
        version = register(context.nomad, made)
    else:
        job = context.nomad.jobs.get(name)
        version = job["Version"] if job else None
    remember_version(context.consul, context.records, name, version)
