"""Operations of the simulation: their steps change the simulated world like the real ones do.

`maintain` hands a task to a node's agent, `promote` and `demote` change the quorum in two moves,
`scale` registers a job with its index enforced.
"""

from __future__ import annotations

from dataclasses import dataclass

from operations_world import World

from bob.election import Elector
from bob.errors import Permanent, Temporary
from bob.ops.record import Operation, records_of
from bob.ops.step import DONE, Probe, Step, impossible, needed
from bob.ops.tasks import Tasks
from bob.waiting import Clock, Deadline


@dataclass
class SimContext:
    operation: Operation
    world: World
    elector: Elector
    tasks: Tasks
    clock: Clock

    @property
    def target(self) -> str:
        return self.operation.target

    def permit(self) -> None:
        """What precedes every request that changes something."""
        self.elector.leadership()


class Drain(Step[SimContext]):
    name, title, timeout = "drain", "Move everything away", 60.0

    def probe(self, context: SimContext) -> Probe:
        return DONE if context.target in context.world.drained else needed("it has instances")

    def apply(self, context: SimContext, deadline: Deadline) -> None:
        context.tasks.run(context.target, "drain", "drain", deadline)

    def undo(self, context: SimContext, deadline: Deadline) -> None:
        context.tasks.settle(deadline)
        context.permit()
        context.world.drained.discard(context.target)


class Join(Step[SimContext]):
    """A server is on its way in; it becomes a voter later, by itself."""

    name, title, final = "join", "Start it as a server", True

    def probe(self, context: SimContext) -> Probe:
        world, node = context.world, context.target
        return DONE if node in world.voters | set(world.changing) else needed("it is a client")

    def apply(self, context: SimContext, deadline: Deadline) -> None:
        context.permit()
        world, node = context.world, context.target
        world.begin_change(context.operation.id, node)

        def voter() -> None:
            if node in world.changing:
                world.settle_change(node, voter=True)

        world.clock.later(world.random.uniform(1, 20), voter)


class Vote(Step[SimContext]):
    name, title, timeout = "vote", "Wait until it is a voter", 120.0

    def probe(self, context: SimContext) -> Probe:
        return DONE if context.target in context.world.voters else needed("it does not vote yet")

    def apply(self, context: SimContext, deadline: Deadline) -> None:
        self.wait_until_done(context, deadline, interval=0.5)


class Leave(Step[SimContext]):
    name, title, final = "leave", "Take it out of the quorum", True

    def probe(self, context: SimContext) -> Probe:
        world, node = context.world, context.target
        if node not in world.voters and node not in world.changing:
            return DONE
        if len(world.voters) < 3:
            return impossible("the rest would be no majority")
        return needed("it votes")

    def apply(self, context: SimContext, deadline: Deadline) -> None:
        context.permit()
        world, node = context.world, context.target
        world.begin_change(context.operation.id, node)
        context.clock.sleep(world.random.uniform(0, 3))
        context.permit()
        world.settle_change(node, voter=False)


class Register(Step[SimContext]):
    name, title = "register", "Register the job"

    def probe(self, context: SimContext) -> Probe:
        count, _ = context.world.registered.get(context.target, (0, 0))
        wanted = context.operation.params["count"]
        return DONE if count == wanted else needed(f"{count} instead of {wanted}")

    def apply(self, context: SimContext, deadline: Deadline) -> None:
        _, index = context.world.registered.get(context.target, (0, 0))
        context.clock.sleep(context.world.random.choice((0.0, 0.1, 2.0)))
        if context.world.maybe(0.05):
            raise Temporary("Nomad does not answer")
        if context.world.maybe(0.02):
            raise Permanent("Nomad refuses the job")
        context.permit()
        if not context.world.register(context.target, context.operation.params["count"], index):
            raise Temporary("the job was changed meanwhile")


KINDS: dict[str, tuple[Step[SimContext], ...]] = {
    "maintain": (Drain(),),
    "promote": (Join(), Vote()),
    "demote": (Leave(),),
    "scale": (Register(),),
}


def wish(name: str, kind: str, target: str, **params: int) -> Operation:
    scopes = {"maintain": (f"node/{target}",), "scale": (f"service/{target}",)}
    return Operation(
        id=name,
        kind=kind,
        target=target,
        scopes=scopes.get(kind, (f"node/{target}", "servers")),
        params=dict(params),
        steps=records_of(KINDS[kind]),
    )
