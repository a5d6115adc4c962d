"""Make the job of one service as wished, once."""

from __future__ import annotations

from bob.catalogue import Catalogue
from bob.ops.configuration.store import settings_of
from bob.ops.consul_store import ACTIVE
from bob.ops.context import LeaderContext
from bob.ops.services.jobs import draft, marks_of, register
from bob.ops.services.places import count_of, placed, places_of
from bob.ops.services.stored import catalogue_in
from bob.ops.services.wishes import read_wish, remember_version, write_wish

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
    settings = settings_of(context.consul, name, wish.generation)
    known = catalogue_in(context, catalogue)
    made = draft(context.nomad, known, name, wish.wanted, marks, settings)
    if made.plan.changes:
        version = register(context.nomad, made)
    else:
        job = context.nomad.jobs.get(name)
        version = job["Version"] if job else None
    remember_version(context.consul, context.records, name, version)


def follow(context: LeaderContext, catalogue: Catalogue, name: str) -> None:
    """Wish the instances and nodes that the catalogue gives by now, and make it so."""
    wish = read_wish(context.consul, name)
    if wish is None or context.consul.kv.get(f"{ACTIVE}service/{name}"):
        return
    service = catalogue_in(context, catalogue).service(name)
    places = places_of(context.view())
    grown = wish.model_copy(update={"count": count_of(service, places, wish)})
    nodes = placed(service, grown.wanted, places, wish).nodes
    write_wish(context.records, name, grown.model_copy(update={"nodes": nodes}))
    repair(context, catalogue, name)
