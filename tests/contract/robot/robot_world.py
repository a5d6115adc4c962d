"""A kind of operation whose steps tests can hold up, and the world that it changes."""

from __future__ import annotations

import time
from collections.abc import Iterable

from bob.errors import UsageError
from bob.ops.context import OperationContext
from bob.ops.kind import Guard, Kind, Request
from bob.ops.step import DONE, Probe, Step, needed
from bob.ops.view import ClusterView
from bob.waiting import Deadline


class World:
    """Effects of steps by "<target>/<step>"; a step waits while it is in `held`.

    In `hang` it does not even look at its clock, like a call that gets no answer.
    """

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.undone: list[str] = []
        self.begun: list[str] = []
        self.held: set[str] = set()
        self.hang: set[str] = set()
        self.errors: dict[str, list[BaseException]] = {}
        self.guarded: set[str] = set()


def make_step(world: World, step_name: str, *, last: bool) -> Step[OperationContext]:
    class Effect(Step[OperationContext]):
        name = step_name
        title = f"Do {step_name}"
        final = last

        def probe(self, context: OperationContext) -> Probe:
            effect = f"{context.target}/{step_name}"
            return DONE if effect in world.effects else needed("it is missing")

        def apply(self, context: OperationContext, deadline: Deadline) -> None:
            effect = f"{context.target}/{step_name}"
            world.begun.append(effect)
            context.say(f"waiting for {effect}")
            while effect in world.hang:
                time.sleep(0.02)
            while effect in world.held:
                context.clock.sleep(0.05)
            if world.errors.get(effect):
                raise world.errors[effect].pop(0)
            context.leader.leadership()
            if effect not in world.effects:
                world.effects.append(effect)

        def undo(self, context: OperationContext, deadline: Deadline) -> None:
            effect = f"{context.target}/{step_name}"
            world.undone.append(effect)
            if effect in world.effects:
                world.effects.remove(effect)

    return Effect()


class Build(Kind):
    name = "build"

    def __init__(self, world: World) -> None:
        self.world = world

    def scopes(self, request: Request, view: ClusterView) -> tuple[str, ...]:
        return (f"node/{request.target}",)

    def check(self, request: Request, view: ClusterView) -> None:
        if request.target not in view.wishes:
            raise UsageError(f"{request.target} is no node", cure="Name one.")

    def guards(self, request: Request, view: ClusterView) -> Iterable[Guard]:
        if request.target in self.world.guarded:
            yield Guard("quorum-loss", "two servers are left")

    def steps(self, request: Request) -> tuple[Step[OperationContext], ...]:
        names = ("one", "two", "three")
        return tuple(make_step(self.world, name, last=name == "three") for name in names)
