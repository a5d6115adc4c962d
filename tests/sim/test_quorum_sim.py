"""The keeper of the quorum and the real kinds, under random losses and returns of hosts.

A schedule is a seed. Hosts lose power and come back, operators promote and demote, and operations
take their time, fail with their node, and are taken back. The raft and its autopilot are played as
`facts` of the products say: a server alive in gossip is added without a vote, gets one after ten
seconds, and is dropped when it is dead and enough others are there. After the chaos all hosts are
on, and then everything has to be right and at rest. `check(SEED)` replays a failure.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from quorum_world import START, World

from bob.errors import BobError, GuardRefused
from bob.ops.kind import Request, kind_of, refuse_guarded
from bob.ops.servers import judge
from bob.robot.duties.quorum import DUTY
from bob.robot.duty import Memory, Wish

SCHEDULES = 400
BATCH = 50
CHAOS_SECONDS = 600
QUIET_SECONDS = 800
STEP = 4.0


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass
class Run:
    """A running operation: its request and what is left of its steps."""

    request: Request
    work: Iterator[None]
    done: bool = False


@dataclass
class Simulation:
    seed: int
    world: World = field(init=False)
    memory: Memory = field(default_factory=dict)
    run: Run | None = None
    begun: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.world = World(self.random)

    def chaos(self) -> None:
        while self.world.now < START + CHAOS_SECONDS:
            if self.random.random() < 0.03:
                self.accident()
            if self.random.random() < 0.01:
                self.operator()
            if self.random.random() < 0.02:
                self.memory = {}  # another robot leads
            self.turn()

    def quiet(self) -> None:
        for node in self.world.nodes:
            self.world.power_on(node)
        began, last = self.world.now, self.world.now
        while self.world.now < began + QUIET_SECONDS:
            before = self.begun
            self.turn()
            if self.run or self.begun != before:
                last = self.world.now
        if last > began + QUIET_SECONDS / 2:
            raise Broken(f"not at rest: {self.run}")

    def turn(self) -> None:
        world = self.world
        world.advance(STEP)
        before = world.majority()
        if self.run:
            self.work(self.run)
        else:
            for action in DUTY.decide(world.view({}), world.now, self.memory):
                if isinstance(action, Wish):
                    self.begin(action.request)
        if self.run:  # the keeper looks on, and must not wish anything
            held = {"servers": "01OP"}
            acts = DUTY.decide(world.view(held), world.now, self.memory)
            if any(isinstance(action, Wish) for action in acts):
                raise Broken("a wish beside a running operation")
        if before and not world.majority():
            raise Broken(f"our change ended the quorum: {self.run}")

    def begin(self, request: Request, accepted: tuple[str, ...] = ()) -> None:
        if self.run:
            raise Broken("two changes at once")
        view, kind = self.world.view({}), kind_of(request.kind)
        if not kind.done(request, view):
            kind.check(request, view)
            refuse_guarded(kind.guards(request, view), accepted)
            self.run = Run(request, self.world.perform(request))
            self.begun += 1

    def operator(self) -> None:
        """Somebody promotes or demotes; being refused is none of our business here."""
        verb, node = self.random.choice(("promote", "demote")), self.random.choice(self.world.nodes)
        if self.run:
            return
        view = self.world.view({})
        new = (
            judge.substitute(view, node) if verb == "demote" and not judge.leaderless(view) else ""
        )
        try:
            if new:
                self.begin(Request("replace-server", node, {"by": new}))
            else:
                self.begin(Request(verb, node))
        except (BobError, GuardRefused):
            return

    def work(self, run: Run) -> None:
        try:
            next(run.work)
        except StopIteration:
            self.run = None

    def accident(self) -> None:
        world, node = self.world, self.random.choice(self.world.nodes)
        if node in world.off:
            world.power_on(node)
        # More than the quorum bears is not what is asked here: that is bob recover-quorum.
        elif len(world.voters & world.alive() - {node}) >= judge.majority(len(world.voters)):
            world.power_off(node)


def check(seed: int) -> int:
    simulation = Simulation(seed)
    world = simulation.world
    try:
        simulation.chaos()
        simulation.quiet()
        view = world.view({})
        wanted = judge.wanted_servers(view)
        if not len(view.servers) == len(world.voters) == wanted:
            raise Broken(f"{view.servers} are servers, {world.voters} vote, wanted {wanted}")
        if set(view.servers) != world.voters or any(judge.acts(view, n) for n in view.clients):
            raise Broken(f"{view.servers} are to be servers, {world.voters} vote")
        zones = view.zones()
        if any(judge.crowded(view, name) for name in view.servers):
            raise Broken(f"servers stand too close: {zones}")
        if world.min_quorum != wanted:
            raise Broken(f"min_quorum is {world.min_quorum}")
    except Exception as error:
        raise Broken(f"seed {seed} at {world.now:.0f} s: {error}") from error
    return simulation.begun


@pytest.mark.parametrize("batch", range(SCHEDULES // BATCH))
def test_random_schedules(batch: int) -> None:
    changes = sum(check(seed) for seed in range(batch * BATCH, (batch + 1) * BATCH))
    assert changes > BATCH  # else nothing was tried
