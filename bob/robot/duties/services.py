"""Wished services run as wished, whatever happened to their jobs in Nomad.

    what is seen of the job                 what is done
    it is gone, or stopped                  it is registered again
    another number of instances             it is registered with the right one
    somebody registered another version     Nomad plans the wished one; a difference is registered
    the cluster has grown or shrunk         the count follows, where the catalogue has a rule for it
    instances are missing for a while       it is told: Nomad itself looks for places

A service that an operation works on is left alone. An instance on a dead node is Nomad's matter: no
node is ever drained here, since the replacements would wait for a dead one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from bob.catalogue import Catalogue, Service
from bob.clients.nomad import JobState
from bob.ops.services.places import count_of, needs_places, placed, places_of
from bob.ops.services.repair import follow, repair
from bob.ops.services.wishes import ServiceWish, parse_wish
from bob.ops.view import ClusterView
from bob.robot.duty import Action, Do, Memory, Say

INTERVAL = 3.0
FIRST_DELAY, LONGEST_DELAY = 10.0, 300.0  # seconds between two repairs of one service
PATIENCE_SECONDS = 30.0  # a place for an instance of a lost node is found in 10 s


class ServiceKeeper:
    """See the module. `memory` holds back-off and since when instances are missing."""

    name = "services"
    interval = INTERVAL

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def decide(self, view: ClusterView, now: float, memory: Memory) -> Sequence[Action]:
        """See `Duty`."""
        if not view.nomad_known or "cluster" in view.held:
            return ()
        for name in [name for name in memory if name not in view.services]:
            del memory[name]
        return tuple(
            action
            for name, document in sorted(view.services.items())
            if f"service/{name}" not in view.held
            for action in self._service(view, name, parse_wish(document), now, memory)
        )

    def _service(
        self, view: ClusterView, name: str, wish: ServiceWish, now: float, memory: Memory
    ) -> Iterator[Action]:
        job = view.jobs.get(name)
        catalogue = self._catalogue.extended(view.catalogue)
        reason, cure = difference(wish, job), repair
        if not reason and name in catalogue.names() and needs_places(catalogue.service(name)):
            reason, cure = grown(catalogue.service(name), wish, view), follow
        if not reason:
            memory.get(name, {}).pop("again", None)
            yield from _missing(name, job, now, memory)
            return
        if name not in catalogue.names():
            yield Say(f"{name}: {reason}, and this version of Bob does not know it")
            return
        noted = memory.setdefault(name, {})
        again, delay = noted.get("again", (now, FIRST_DELAY))
        if now < again:
            yield Say(f"{name}: {reason}; again in {again - now:.0f} s")
            return
        noted["again"] = (now + delay, min(2 * delay, LONGEST_DELAY))
        title = f"{name}: {reason}, so it is registered again"
        yield Do(title, partial(cure, catalogue=self._catalogue, name=name))


def difference(wish: ServiceWish, job: JobState | None) -> str:
    """How a job differs from what is wished, or ""."""
    if job is None:
        return "its job is gone"
    if job.stopped:
        return "its job was stopped"
    if job.desired != wish.count:
        return f"{job.desired} instances are registered, {wish.count} are wished"
    if job.version != wish.job_version:
        return "its job was changed"
    return ""


def grown(service: Service, wish: ServiceWish, view: ClusterView) -> str:
    """How the cluster no longer is what instances and nodes were settled for, or ""."""
    places = places_of(view)
    count = count_of(service, places, wish)
    if count != wish.count:
        return f"{wish.count} instances, by now {count} fit the cluster"
    nodes = placed(service, wish.wanted, places, wish).nodes
    if nodes == wish.nodes:
        return ""
    if service.colocation:
        return f"{', '.join(service.colocation)} is on {', '.join(nodes)} by now"
    return f"of {', '.join(wish.nodes)} some have left"


def _missing(name: str, job: JobState | None, now: float, memory: Memory) -> Iterator[Say]:
    running = sum(a.running for a in job.allocations) if job else 0
    wished = job.desired if job else 0
    noted = memory.setdefault(name, {})
    if running >= wished:
        noted.pop("short", None)
        return
    since = noted.setdefault("short", now)
    if now - since >= PATIENCE_SECONDS:
        yield Say(f"{name}: {running} of {wished} instances run for {now - since:.0f} s")


DUTY = ServiceKeeper(Catalogue())
