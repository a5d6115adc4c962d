"""The steps of `maintain`: mark, drain; and admit, unmark."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from bob.clients.nomad import Allocation, Node
from bob.clients.nomad.records import SYSBATCH, SYSTEM
from bob.errors import DeadlinePassed, Permanent
from bob.ops.context import OperationContext
from bob.ops.services.fit import short
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import MAINTENANCE, MEMBER
from bob.waiting import Deadline, wait_for

# Beyond the drain's own deadline: what is stopped then may take its `kill_timeout`.
STOPPING_SECONDS = 60.0
REPLACED_SECONDS = 60.0
LOOK_SECONDS = 0.5


class Mark(Step[OperationContext]):
    """A node in maintenance is chosen for nothing new: no instance, no promotion."""

    name = "mark"
    title = "Mark the node"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        return _marked(context, MAINTENANCE)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        context.records.change_node(context.target, state=MAINTENANCE)

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.undo`."""
        context.records.change_node(context.target, state=MEMBER)


class Drain(Step[OperationContext]):
    """Nomad moves the instances, a few of each service at a time; system jobs stay.

    A node that dies meanwhile is no longer drained: the replacements of its instances would wait
    for it (measured). Nomad starts them elsewhere once it is down.
    """

    name = "drain"
    title = "Move its instances to other nodes"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.timeout = seconds + STOPPING_SECONDS

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        node = node_of(context)
        if node.eligible:
            return needed("it may still get new instances")
        if node.draining:
            return needed("it is being drained")
        left = _left(context, node)
        return needed(f"it has {len(left)} instances") if left else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        first = node_of(context)
        before = _left(context, first)
        count = len(before)
        if first.ready and not first.draining:
            context.nomad.nodes.drain(first.id, self._seconds)
        left: tuple[Allocation, ...] = ()

        def empty() -> bool:
            nonlocal left
            node = node_of(context)
            if not node.ready:
                context.nomad.nodes.end_drain(node.id, eligible=False)
            left = _left(context, node)
            context.say(
                f"{max(count - len(left), 0)} of {count} instances moved"
                + ("" if node.ready else f"; {node.name} is down, the others start elsewhere")
            )
            return not left and not node_of(context).draining

        try:
            wait_for(
                empty, what=f"{context.target} empty", deadline=deadline, interval=LOOK_SECONDS
            )
        except DeadlinePassed as error:
            names = ", ".join(sorted({allocation.job for allocation in left}))
            raise DeadlinePassed(
                f"{error}; left: {names or 'nothing, but Nomad still drains it'}",
                cure="Look at these jobs in the Nomad UI (bob ui), then: bob op retry",
            ) from error
        self._await_replacements(context, {allocation.job for allocation in before})

    def undo(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.undo`."""
        context.nomad.nodes.end_drain(node_of(context).id, eligible=True)

    def _await_replacements(self, context: OperationContext, jobs: Collection[str]) -> None:
        """What has moved should run again before somebody switches the node off.

        Nomad awaits each replacement but the last. One that does not come is no reason to keep the
        node: the reconciler tells of it.
        """
        if not jobs:
            return
        missing: tuple[str, ...] = ()

        def complete() -> bool:
            nonlocal missing
            missing = short(context.view(), jobs)
            return not missing

        with suppress(DeadlinePassed):
            deadline = Deadline(REPLACED_SECONDS, context.clock)
            wait_for(complete, what="replacements", deadline=deadline, interval=LOOK_SECONDS)
        if missing:
            context.say(f"{context.target} is empty; {', '.join(missing)}")


class Admit(Step[OperationContext]):
    """Instances are not moved back by force: they come with the next change."""

    name = "admit"
    title = "Let it take instances again"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        node = node_of(context)
        return DONE if node.eligible and not node.draining else needed("it gets no instances")

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        context.nomad.nodes.end_drain(node_of(context).id, eligible=True)


class Unmark(Step[OperationContext]):
    """The node is a member like any other."""

    name = "unmark"
    title = "Take the mark off"

    def probe(self, context: OperationContext) -> Probe:
        """See `Step.probe`."""
        return _marked(context, MEMBER)

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        """See `Step.apply`."""
        context.records.change_node(context.target, state=MEMBER)


def node_of(context: OperationContext) -> Node:
    """The node in Nomad; of several with its name the one that is ready."""
    named = [node for node in context.nomad.state.nodes() if node.name == context.target]
    if not named:
        raise Permanent(
            f"Nomad does not know {context.target}", cure=f"Add it: bob add-node {context.target}"
        )
    return max(named, key=lambda node: node.ready)


def _left(context: OperationContext, node: Node) -> tuple[Allocation, ...]:
    """What a drain moves or stops and which is not over yet."""
    return tuple(
        allocation
        for allocation in context.nomad.nodes.allocations(node.id)
        if not allocation.over and allocation.job_type not in (SYSTEM, SYSBATCH)
    )


def _marked(context: OperationContext, state: str) -> Probe:
    wish = context.records.nodes().get(context.target)
    if wish is None:
        raise Permanent(f"{context.target} is no node of this cluster any more")
    return DONE if wish.state == state else needed(f"it is marked {wish.state}")
