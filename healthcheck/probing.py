"""Probes side by side: each in a thread of its own, so that one that hangs stops no other.

Whatever may hang in the kernel for ever (a mount whose server is gone) is left to a child process
by the probe itself: a process cannot end while a thread of its own hangs there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bob import logs
from bob.errors import BobError


@dataclass(frozen=True)
class Probe:
    """`sense` is called every `interval` seconds; after `deadline` seconds it counts as hung."""

    name: str
    sense: Callable[[], Any]
    interval: float
    deadline: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a probe.

    `value` is the last answer, None before the first one. `error` is why the last attempt failed.
    `hung` is for how many seconds an attempt has been under way, once that is over its deadline.
    """

    value: Any = None
    error: str = ""
    hung: float = 0.0

    @property
    def known(self) -> bool:
        """It was tried at least once, whatever came of it."""
        return self.value is not None or bool(self.error) or self.hung > 0


@dataclass
class _State:
    outcome: Outcome = field(default_factory=Outcome)
    thread: threading.Thread | None = None
    began: float = float("-inf")
    """When its interval began; `soon` takes it back, so it is not when it was started."""
    started: float = 0.0


class Prober:
    """Keeps the outcomes of `probes` fresh; `step` and `outcomes` belong to one thread."""

    def __init__(self, probes: Sequence[Probe], now: Callable[[], float]) -> None:
        self._probes = tuple(probes)
        self._now = now
        self._states = {probe.name: _State() for probe in self._probes}
        self._faults = {probe.name: logs.Fault(f"probe {probe.name}") for probe in self._probes}

    def step(self) -> None:
        """Start the probes that are due. One that is still under way is never started again."""
        now = self._now()
        for probe in self._probes:
            state = self._states[probe.name]
            if state.thread is not None and state.thread.is_alive():
                continue
            if now - state.began < probe.interval:
                continue
            state.began = state.started = now
            state.thread = threading.Thread(
                target=self._attempt, args=(probe, state), name=probe.name, daemon=True
            )
            state.thread.start()

    def soon(self, name: str) -> None:
        """Something has happened: this probe is due at the next step."""
        self._states[name].began = float("-inf")

    def outcomes(self) -> Mapping[str, Outcome]:
        """What is known now, by name of the probe."""
        now, found = self._now(), {}
        for probe in self._probes:
            state = self._states[probe.name]
            busy = state.thread is not None and state.thread.is_alive()
            took = now - state.started
            late = busy and took > probe.deadline
            found[probe.name] = replace(state.outcome, hung=took if late else 0.0)
        return found

    def _attempt(self, probe: Probe, state: _State) -> None:
        try:
            state.outcome = Outcome(probe.sense())
        except (BobError, OSError, ValueError) as error:
            state.outcome = replace(state.outcome, error=str(error) or type(error).__name__)
            self._faults[probe.name].failed(error)
        except Exception as error:
            state.outcome = replace(state.outcome, error=f"bug: {type(error).__name__}: {error}")
            logs.get().exception("probe broke", probe=probe.name)
        else:
            self._faults[probe.name].passed()


def missing(outcomes: Mapping[str, Outcome]) -> Mapping[str, str]:
    """Why a probe tells nothing new, by its name: for those that hang or fail."""
    told = {}
    for name, outcome in outcomes.items():
        if outcome.hung:
            told[name] = "does not come back"
        elif outcome.error:
            told[name] = outcome.error
    return told
