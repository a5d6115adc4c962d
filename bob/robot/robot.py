"""The robot of one server: it leads while its agent is elected."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from bob import logs
from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.election import Elector
from bob.errors import LockLost
from bob.ops.sense import sense
from bob.ops.view import ClusterView
from bob.provision.install import Binary
from bob.robot.board import Figures
from bob.robot.duty import Duty, duties
from bob.robot.leading import Leading
from bob.robot.performing import Means
from bob.robot.source import Source
from bob.robot.term import Term, TermGuard
from bob.robot.views import Views
from bob.robot.workers import Workers
from bob.status.robot import leader_of
from bob.waiting import SYSTEM_CLOCK, Clock
from inventory import NetworkName

LOOK_SECONDS = 0.1  # between two looks at whether we lead; they cost nothing, it is our own memory
RETRY_SECONDS = 5.0  # after a bug: each time it is logged with where it happened
STOP_SECONDS = 5.0  # for jobs to come to a wait; what is still at work then has no effect any more
SILENT_SECONDS = 60.0  # a blocking read takes 27 s, and may be answered late


class Robot:
    """Does nothing but wait while another one leads.

    `elector` is kept at work by the caller, also while `run` ends. `networks` has clients with the
    robot's rights to the agents on this host; they must not be the elector's, since every write
    through them is refused while this agent does not lead. `nomad` makes a client with management
    rights and is called when leading. `programs` gives what a bare host gets.

    `look` makes views of the cluster, `attends_to` finds the duties.
    """

    def __init__(
        self,
        node: str,
        networks: Mapping[NetworkName, Consul],
        elector: Elector,
        nomad: Callable[[], Nomad],
        programs: Callable[[], tuple[Binary, ...]] = tuple,
        clock: Clock = SYSTEM_CLOCK,
        *,
        look: Callable[[Mapping[NetworkName, Consul], Nomad], ClusterView] = sense,
        attends_to: Callable[[], Sequence[Duty]] = duties,
    ) -> None:
        self._node = node
        self._networks = networks
        self._elector = elector
        self._make_nomad = nomad
        self._programs = programs
        self._clock = clock
        self._look = look
        self._attends_to = attends_to
        self._guard = TermGuard(elector)
        self._guard.install(networks.values())
        self._wake = threading.Event()
        self._workers = Workers(self._wake.set)
        self._figures = Figures()
        self._leading: Leading | None = None
        self._beat = clock.now()
        self._broken = ""

    def run(self, stop: threading.Event) -> None:
        """Lead whenever we are elected, until `stop`. When it returns nothing is at work here.

        Then the elector may resign, so that another one leads at once.
        """
        while not stop.is_set():
            self._beat = self._clock.now()
            try:
                self._lead(Term(self._elector), stop)
            except LockLost:
                stop.wait(LOOK_SECONDS)
            except Exception as error:
                logs.get().error("BUG", error=repr(error), exc_info=True)
                self._broken = f"BUG: {error!r}"
                stop.wait(RETRY_SECONDS)

    def sentence(self) -> str:
        """What the robot does now and why, or who leads."""
        if leading := self._leading:
            return leading.board.sentence()
        leader = leader_of(self._elector.lock)
        if leader == self._node:
            return f"{leader} leads, and does nothing: {self._broken or 'it has just begun'}"
        return f"{leader} leads" if leader else "nobody leads"

    def healthy(self) -> bool:
        """It makes progress, and when it leads Consul has answered lately."""
        leading = self._leading
        last = leading.answered if leading else self._beat
        return not self._broken and last > self._clock.now() - SILENT_SECONDS

    def metrics(self) -> dict[str, float]:
        """Figures by name; those ending in `_total` only rise while this process lives."""
        leading = self._leading
        return self._figures.metrics(leading.board if leading else None)

    def _lead(self, term: Term, stop: threading.Event) -> None:
        nomad = Source(self._guarded_nomad)
        views = Views(lambda: self._look(self._networks, nomad.get()), self._clock)
        means = Means(self._networks, nomad, term, views, self._clock, self._programs, self._look)
        leading = Leading(
            means, self._workers, self._guard, self._attends_to(), self._figures, self._wake
        )
        self._leading = leading
        self._broken = ""
        logs.get().info("term begins", epoch=term.epoch)
        try:
            leading.run(stop)
            if stop.is_set() and not self._workers.drain(STOP_SECONDS, self._clock):
                logs.get().warning("jobs still at work", operations=list(self._workers.modes))
        finally:
            term.end()
            self._leading = None
            logs.get().info("term ends", epoch=term.epoch)

    def _guarded_nomad(self) -> Nomad:
        made = self._make_nomad()
        self._guard.install([made])
        return made
