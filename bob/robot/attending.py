"""Attends to the duties: each judges a view when it is due, and its actions are carried out."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from math import inf

from bob import logs
from bob.errors import BobError, LockLost
from bob.ops.consul_store import ConsulStore
from bob.ops.context import LeaderContext
from bob.ops.submit import submit
from bob.ops.view import ClusterView
from bob.robot.board import Figures
from bob.robot.decide import ROBOT
from bob.robot.duty import Action, Do, Duty, Memory, Say, Wish
from bob.robot.performing import Means
from bob.robot.term import Interrupt, working_clock

VIEW_SECONDS = 1.0  # how old the view may be that operations have just been judged by
EARLY = 0.4  # so large a part of its interval may a duty be early, to share the view of another
BUSY_SECONDS = 30.0  # after some duty had something to do or to say
QUIET_INTERVAL = 20.0  # least interval after that: a view costs 30 ms of CPU, 0.15 % of a core
NUMBER = re.compile(r"[0-9]+")


def due_together(duties: Iterable[Duty], next_looks: Mapping[str, float], now: float) -> list[Duty]:
    """The duties that are due; when some are, also those that will be soon."""
    known = list(duties)
    if all(next_looks[duty.name] > now for duty in known):
        return []
    return [duty for duty in known if next_looks[duty.name] <= now + EARLY * duty.interval]


class Attendant:
    """One term's part of all duties. `remarks` is where they are told, by duty."""

    def __init__(
        self,
        duties: Sequence[Duty],
        means: Means,
        figures: Figures,
        remarks: dict[str, tuple[str, ...]],
    ) -> None:
        self._duties = tuple(duties)
        self._means = means
        self._remarks = remarks
        self._memories: dict[str, Memory] = {duty.name: {} for duty in duties}
        self._next = {duty.name: -inf for duty in duties}
        self._busy = means.clock.now()
        self._figures = figures

    def hurry(self) -> None:
        """Every duty is due now: something has happened that none of them expects."""
        self._next = dict.fromkeys(self._next, -inf)
        self._busy = self._means.clock.now()

    def attend(self) -> float:
        """Attend to what is due. Returns when something will be due again (seconds of the clock).

        Raises `LockLost`; whatever else goes wrong with a duty is logged and told.
        """
        now = self._means.clock.now()
        due = due_together(self._duties, self._next, now)
        quiet = now >= self._busy + BUSY_SECONDS
        for duty in due:
            self._next[duty.name] = now + max(duty.interval, QUIET_INTERVAL if quiet else 0.0)
        if due:
            try:
                view = self._means.views.get(VIEW_SECONDS)
            except BobError as error:
                logs.get().warning("no view", error=str(error))
                return now + VIEW_SECONDS
            for duty in due:
                self._attend_to(duty, view)
        return min(self._next.values(), default=inf)

    def _attend_to(self, duty: Duty, view: ClusterView) -> None:
        log = logs.get().bind(duty=duty.name)
        began = time.perf_counter()
        try:
            actions = duty.decide(view, self._means.clock.now(), self._memories[duty.name])
        except Exception as error:
            log.error("BUG", error=repr(error), exc_info=True)
            self._tell(duty, [f"{duty.name}: BUG: {error!r}"])
            return
        self._figures.duty_seconds[duty.name] = time.perf_counter() - began
        if actions:
            self._busy = self._means.clock.now()
        told: list[str] = []
        for action in actions:
            try:
                told += self._carry_out(action, view)
            except LockLost:
                raise
            except BobError as error:
                told.append(f"{_title(action)}: {error}")
            except Exception as error:
                log.error("BUG", action=_title(action), error=repr(error), exc_info=True)
                told.append(f"{_title(action)}: BUG: {error!r}")
        self._tell(duty, told)

    def _carry_out(self, action: Action, view: ClusterView) -> list[str]:
        match action:
            case Say(text):
                return [text]
            case Do(title, act):
                logs.get().info("duty", does=title)
                act(self._context())
            case Wish(request, reason):
                store = ConsulStore(self._means.consul, self._means.term, clock=self._means.clock)
                made = submit(store, request, view, ROBOT)
                if not made.attached:
                    logs.get().info("wished", operation=made.operation.id, reason=reason)
        return []

    def _tell(self, duty: Duty, told: Sequence[str]) -> None:
        """Each thing is logged once, not at each look; its numbers may change."""
        before = {NUMBER.sub("#", text) for text in self._remarks.get(duty.name, ())}
        for text in told:
            if NUMBER.sub("#", text) not in before:
                logs.get().info("duty", name=duty.name, says=text)
        self._remarks[duty.name] = tuple(told)

    def _context(self) -> LeaderContext:
        means = self._means
        return LeaderContext(
            networks=means.networks,
            nomad=means.nomad.get(),
            leader=means.term,
            clock=working_clock(means.clock, means.term, Interrupt()),
            look=means.look,
        )


def _title(action: Action) -> str:
    match action:
        case Wish(request, _):
            return f"{request.kind} {request.target}".strip()
        case Do(title, _):
            return title
        case Say(text):
            return text
