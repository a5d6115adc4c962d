"""The steps that `deploy` and `scale` share: write the wish down, have Nomad run it, wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from bob.catalogue import Catalogue
from bob.clients.http import Refused
from bob.errors import PreflightRefused, Temporary
from bob.ops.context import OperationContext
from bob.ops.deploy.changes import unplaced
from bob.ops.deploy.rollout import await_serving, judge, sense
from bob.ops.services.jobs import Draft, draft, marks_of, register
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
        operation = context.operation.id
        for name, wanted in self._wishes(context).items():
            known = read_wish(context.consul, name)
            wish = (
                known.becomes(wanted, operation)
                if known
                else ServiceWish(**wanted.model_dump(), operation=operation)
            )
            write_wish(context.records, name, wish)

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


class RunJobs(Step[OperationContext]):
    """What is needed first is registered and serves before the next."""

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
        for name, wanted in self._wishes(context).items():
            self._register(context, name, wanted)
            await_serving(context.nomad, context.consul, name, deadline, context.say, settled=False)

    def _register(self, context: OperationContext, name: str, wanted: Wanted) -> None:
        made = self._draft(context, name, wanted)
        if not made.plan.changes:
            return
        if reasons := unplaced(made.plan):
            raise PreflightRefused(
                f"{name}: the cluster has no place for it; its job was not changed:\n  "
                + "\n  ".join(reasons),
                cure="Add nodes, or bring back those that are down (bob status).",
            )
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
        return draft(context.nomad, self._catalogue, name, wanted, marks)


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
