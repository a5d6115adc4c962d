"""What the robot tells of itself: one sentence, and figures. Written by the leader's threads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bob.ops.record import Operation
from bob.ops.states import State
from bob.pause import Pause
from bob.robot.decide import Seen

PREFIX = "bob_robot_"
SENTENCE = 500  # characters: a check's output is read in one line


@dataclass
class Board:
    """The present of one term; `Robot` reads it. `trouble` and `pause` outdo everything else.

    `working` are the operations at work with what they say; `remarks` what each duty says.
    """

    epoch: int = 0
    trouble: str = ""
    pause: Pause | None = None
    records: Sequence[Seen] = ()
    working: Sequence[tuple[Operation, str]] = ()
    remarks: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def sentence(self) -> str:
        """What is done now and why."""
        if self.trouble:
            return self._cut(self.trouble)
        if self.pause and self.pause.in_force(time.time()):
            return self._cut(self.pause.sentence)
        parts = [_at_work(operation, said) for operation, said in self.working[:1]]
        at_work = {operation.id for operation, _ in self.working}
        rest = [s.operation for s in self.records if s.operation.id not in at_work]
        waiting = [one for one in rest if one.state in WAITING]
        if more := max(len(self.working) - 1, 0) + len(waiting):
            parts.append(f"{more} {'more ' * bool(parts)}operation{'s' * (more > 1)}")
        parts += [_at_rest(one) for one in rest if one.state not in WAITING]
        parts += [remark for remarks in self.remarks.copy().values() for remark in remarks]
        return self._cut("; ".join(parts) or "nothing to do")

    def _cut(self, text: str) -> str:
        whole = f"leader epoch {self.epoch}: {text}"
        return whole if len(whole) <= SENTENCE else whole[: SENTENCE - 1] + "…"


class Figures:
    """Counters that go on over all terms of this process."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.started = 0
        self.cycles = 0
        self.cycle_seconds = 0.0
        self.duty_seconds: dict[str, float] = {}

    def cycled(self, seconds: float) -> None:
        """A look at the operations was judged."""
        self.cycles += 1
        self.cycle_seconds = seconds

    def metrics(self, board: Board | None) -> dict[str, float]:
        """All figures by name. `epoch` is 0 when we do not lead.

        `cycle_seconds` and `duty_<name>_seconds` are how long the last judgement took. Those named
        after a state count what is unfinished, those with `_total` what has ended.
        """
        records = board.records if board else ()
        states = Counter(seen.operation.state for seen in records)
        found: dict[str, float] = {
            "epoch": float(board.epoch if board else 0),
            "cycles_total": float(self.cycles),
            "cycle_seconds": self.cycle_seconds,
            "operations_started_total": float(self.started),
        }
        found |= {f"operations_{state.value}": float(states[state]) for state in UNFINISHED}
        found |= {f"operations_{s.value}_total": float(self.ended[s.value]) for s in ENDS}
        found |= {f"duty_{name}_seconds": used for name, used in self.duty_seconds.copy().items()}
        return {PREFIX + name: value for name, value in found.items()}


WAITING = (State.PENDING, State.RUNNING, State.ABORTING)  # for a free worker, or a delay
UNFINISHED = (State.PENDING, State.RUNNING, State.PAUSED, State.FAILED, State.ABORTING)
ENDS = (State.DONE, State.ABORTED, State.FAILED)


def _at_work(operation: Operation, said: str) -> str:
    what = f"{operation.kind} {operation.target}".strip()
    return f"{what}: {said}" if said else what


def _at_rest(operation: Operation) -> str:
    state = "failed" if operation.state is State.FAILED else "is paused"
    return f"{operation.kind} {operation.target} {state}: bob op show {operation.id}"
