"""Actors that take turns in simulated time, chosen by a seeded random number.

Each actor runs ordinary blocking code on a stack of its own (a greenlet), and keeps the turn until
it sleeps. So code that was written for real threads meets every order of events, and a seed brings
the same order again. What an actor locks it must unlock before it sleeps: nobody would ever wake.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from greenlet import getcurrent, greenlet
from sim_clock import SimClock


class Killed(BaseException):
    """The process of this actor ends here, without any clean-up that matters."""


class Actor:
    def __init__(
        self, group: str, name: str, work: Callable[[], object], scheduler: greenlet
    ) -> None:
        self.group = group
        self.name = name
        self.wake = 0.0
        self.killed = False
        self.ended = False
        self.error: BaseException | None = None
        self._work = work
        self.stack = greenlet(self._run, scheduler)

    def _run(self) -> None:
        try:
            if not self.killed:
                self._work()
        except Killed:
            pass
        except BaseException as error:  # told by the scheduler
            self.error = error
        self.ended = True


class Actors:
    """All actors of one simulation. `random` decides who goes on.

    `run` and `stop` are for whoever made it.
    """

    def __init__(self, clock: SimClock, random: random.Random) -> None:
        self.clock = clock
        self._random = random
        self._actors: list[Actor] = []
        self._frozen: dict[str, float] = {}
        self._current: Actor | None = None
        self._scheduler = getcurrent()

    @property
    def inside(self) -> bool:
        """Whether an actor has the turn now."""
        return self._current is not None

    @property
    def current(self) -> Actor:
        assert self._current is not None, "only an actor may ask"
        return self._current

    def spawn(self, group: str, name: str, work: Callable[[], object]) -> Actor:
        """A new actor that belongs to the process `group`; its turn comes later."""
        actor = Actor(group, name, work, self._scheduler)
        actor.wake = self.clock.now()
        self._actors.append(actor)
        return actor

    def sleep(self, seconds: float) -> None:
        """Let the others go on for at least `seconds`. Raises `Killed` when our process ended."""
        actor = self.current
        actor.wake = self.clock.now() + max(seconds, 0.0)
        self._scheduler.switch()
        if actor.killed:
            raise Killed

    def kill(self, group: str) -> None:
        """End the process: none of its actors does anything any more."""
        for actor in self._actors:
            if actor.group == group:
                actor.killed = True
                actor.wake = self.clock.now()
        self._frozen.pop(group, None)

    def freeze(self, group: str, seconds: float) -> None:
        """Stop a process and let it go on later, as SIGSTOP and SIGCONT do."""
        self._frozen[group] = max(self._frozen.get(group, 0.0), self.clock.now() + seconds)

    def run(self, done: Callable[[], bool], limit: float) -> None:
        """Give turns until `done`, at most `limit` seconds of simulated time. Raises what an actor
        raised, `TimeoutError` at the limit."""
        end = self.clock.now() + limit
        while not done():
            self._actors = [actor for actor in self._actors if not actor.ended]
            moments = [max(a.wake, self._frozen.get(a.group, 0.0)) for a in self._actors]
            now = self.clock.now()
            ready = [a for a, at in zip(self._actors, moments, strict=True) if at <= now]
            if not ready:
                self.clock.advance(max(min(moments) - now, 0.0))
                if self.clock.now() > end:
                    raise TimeoutError(f"not done after {limit:g} s")
                continue
            self._give_turn(self._random.choice(ready))

    def stop(self) -> None:
        """End all processes."""
        for actor in self._actors:
            actor.killed = True
        for actor in self._actors:
            if not actor.ended:
                self._give_turn(actor, judge=False)

    def _give_turn(self, actor: Actor, *, judge: bool = True) -> None:
        self._current = actor
        actor.stack.switch()
        self._current = None
        if actor.error is not None and judge:
            raise actor.error
