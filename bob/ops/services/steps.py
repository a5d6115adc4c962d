"""The steps that `deploy` and `scale` share: write the wish down, have Nomad run it, wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from bob.catalogue import Catalogue, Service
from bob.clients.http import Refused
from bob.errors import Permanent, Temporary
from bob.ops.configuration.secrets import provide
from bob.ops.configuration.store import settings_of
from bob.ops.context import OperationContext
from bob.ops.deploy.rollout import await_serving, judge, sense
from bob.ops.services.jobs import Draft, draft, marks_of, register
from bob.ops.services.placing import placed
from bob.ops.services.revert import revertible, take_back
from bob.ops.services.stored import catalogue_in
from bob.ops.services.turns import turns
from bob.ops.services.wishes import (
    ServiceWish,
    Wanted,
    read_wish,
    remember_version,
    write_wish,
)
from bob.ops.step import DONE, Probe, Step, needed
from bob.waiting import Deadline

WishesOf = Callable[[OperationContext], Mapping[str, Wanted]]
"""What an operation wants of each of its services, in the order in which they are brought up."""

SERVING_SECONDS = 300.0  # an image of 100 MB takes 6 s to pull, a database its minute to start


class RecordWishes(Step[OperationContext]):
    """From here on the reconciler holds the services to it."""

    name = "wish"
    title = "Write down what is wanted"

    def __init__(self, wishes: WishesOf) -> None:
        self._wishes = wishes

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        for name, wanted in self._wishes(context).items():
            known = read_wish(context.consul, name)
            if known is None or known.wanted != wanted:
                return needed(f"{name} is not wished like this")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        for name, wanted in self._wishes(context).items():
            record_wish(context, name, wanted)

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        """Wish what was wished before; the reconciler makes it so. A new service is stopped."""
        for name in self._wishes(context):
            known = read_wish(context.consul, name)
            if known is None or known.operation != context.operation.id:
                continue
            if known.before is None and context.nomad.jobs.get(name):
                context.nomad.jobs.deregister(name)
            before = ServiceWish(**known.before.model_dump()) if known.before else None
            write_wish(context.records, name, before)


def record_wish(context: OperationContext, name: str, wanted: Wanted) -> None:
    """Wish this of a service from now on, and remember what was wished before."""
    operation = context.operation.id
    known = read_wish(context.consul, name)
    if known and known.wanted == wanted:
        return
    wish = (
        known.becomes(wanted, operation)
        if known
        else ServiceWish(**wanted.model_dump(), operation=operation)
    )
    write_wish(context.records, name, wish)


class RunJobs(Step[OperationContext]):
    """What is needed first serves before what needs it is registered.

    When an instance of a version that this operation made fails, the version before comes back and
    the operation fails: the other instances were not touched. One that is only slow is left to go
    on. Nomad's own `auto_revert` would bring the version back, but not what is wished, which would
    then be rolled out again.
    """

    name = "jobs"
    title = "Have Nomad run the instances"
    timeout = SERVING_SECONDS

    def __init__(self, catalogue: Catalogue, wishes: WishesOf) -> None:
        self._catalogue = catalogue
        self._wishes = wishes

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        for name, wanted in self._wishes(context).items():
            if self._draft(context, name, wanted).plan.changes:
                return needed(f"the job {name} is not as it should be")
            verdict = judge(sense(context.nomad, context.consul, name))
            if not verdict.serving:
                return needed(f"{name}: {verdict}")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        wishes = self._wishes(context)
        catalogue = catalogue_in(context, self._catalogue)
        services = [catalogue.service(name) for name in wishes]
        # All of them before anything starts: who is given secrets finds them there. A job whose own
        # are missing would wait for them for ever.
        for service in services:
            if service.secrets:
                provide(context.nomad.variables, context.consul, service)
        new = [name for name in wishes if context.nomad.jobs.get(name) is None]
        serving: set[str] = set()

        def await_all(names: Iterable[str]) -> None:
            for name in names:
                if name not in serving:
                    self._await(context, catalogue.service(name), deadline)
                    serving.add(name)

        for turn in turns(services, new):
            await_all(turn.after)
            record_wish(context, turn.name, wishes[turn.name])  # one that came back changed it
            self._register(context, turn.name, wishes[turn.name], deadline)
        await_all(wishes)

    def _await(self, context: OperationContext, service: Service, deadline: Deadline) -> None:
        name = service.name
        known = read_wish(context.consul, name)
        mine = known is not None and known.operation == context.operation.id
        back = mine and service.update.revert and revertible(known)
        try:
            await_serving(
                context.nomad, context.consul, name, deadline, context.say,
                settled=False, strict=back,
            )  # fmt: skip
        except Permanent as error:
            if known is None or not back or not take_back(context, name, known):
                raise
            raise Permanent(
                f"{error}; the version before is back",
                cure=f"Mend the cause, then: bob op retry {context.operation.id}. "
                f"Or leave it: bob op abort {context.operation.id}",
            ) from error

    def _register(
        self, context: OperationContext, name: str, wanted: Wanted, deadline: Deadline
    ) -> None:
        made = placed(name, lambda: self._draft(context, name, wanted), deadline, context.say)
        if not made.plan.changes:
            job = context.nomad.jobs.get(name)
            remember_version(context.consul, context.records, name, job["Version"] if job else None)
            return
        context.say(f"registering {name}")
        try:
            version = register(context.nomad, made)
        except Refused as refusal:
            if refusal.status == HTTPStatus.CONFLICT:  # changed in between: look again
                raise Temporary(refusal.message) from refusal
            raise
        remember_version(context.consul, context.records, name, version)

    def _draft(self, context: OperationContext, name: str, wanted: Wanted) -> Draft:
        marks = marks_of(context.operation.id, context.leader.leadership().epoch)
        settings = settings_of(context.consul, name, wanted.generation)
        catalogue = catalogue_in(context, self._catalogue)
        return draft(context.nomad, catalogue, name, wanted, marks, settings)


class Settle(Step[OperationContext]):
    """Nomad's own waiting for new instances, and the end of the old ones."""

    name = "settled"
    title = "Wait until every instance serves and Nomad has finished"
    timeout = SERVING_SECONDS

    def __init__(self, wishes: WishesOf) -> None:
        self._wishes = wishes

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        for name in self._wishes(context):
            verdict = judge(sense(context.nomad, context.consul, name))
            if not (verdict.serving and verdict.settled):
                return needed(f"{name}: {verdict}")
        return DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        for name in self._wishes(context):
            await_serving(context.nomad, context.consul, name, deadline, context.say, settled=True)
