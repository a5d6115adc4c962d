"""Write a new generation of a service's configuration; abort it, and the one before is back."""

from __future__ import annotations

from datetime import UTC, datetime

from bob.catalogue import Catalogue
from bob.ops.configuration.generation import Generation, changed, same
from bob.ops.configuration.request import change_of
from bob.ops.configuration.store import generation, newest, write
from bob.ops.context import OperationContext
from bob.ops.services.stored import catalogue_in
from bob.ops.services.wishes import read_wish
from bob.ops.step import DONE, Probe, Step, needed
from bob.waiting import Deadline

TAKEN_BACK = "/taken-back"  # after the id of the operation, in the generation that ends it


class WriteGeneration(Step[OperationContext]):
    """The values and templates as Consul shows them from now on."""

    name = "generation"
    title = "Write the new configuration"

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        known = newest(context.consul, context.target)
        if known.operation == context.operation.id or same(known, self._wanted(context, known)):
            return DONE
        return needed("it is not written")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        known = newest(context.consul, context.target)
        if known.operation != context.operation.id:
            _write(context, self._wanted(context, known), context.operation.id)

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        """Write the one before once more, under a number of its own: numbers only rise.

        A secret stays as it was set: what it was before is not kept anywhere.
        """
        known = newest(context.consul, context.target)
        if known.operation != context.operation.id:
            return
        before = generation(context.consul, context.target, known.number - 1)
        _write(context, before, context.operation.id + TAKEN_BACK)

    def _wanted(self, context: OperationContext, known: Generation) -> Generation:
        to = context.request.params.get("to")
        if to is not None:
            return generation(context.consul, context.target, int(to)).model_copy(
                update={"secrets": ()}
            )
        catalogue = catalogue_in(context, self._catalogue)
        service = catalogue.service(context.target)
        return changed(catalogue, service, known, change_of(context.request))


def _write(context: OperationContext, wanted: Generation, operation: str) -> None:
    made = wanted.model_copy(
        update={
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": context.operation.requested_by,
            "operation": operation,
        }
    )
    wish = read_wish(context.consul, context.target)
    used = {wish.generation, *([wish.before.generation] if wish.before else [])} if wish else set()
    write(context.consul, context.leader.commit, context.target, made, frozenset(used))
