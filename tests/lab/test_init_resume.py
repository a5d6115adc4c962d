"""One installation that is killed during and after each of its steps, and then completed.

Each run is the same command. It goes on until the operation's record, which the test watches,
shows the wanted moment; there it is killed. The end has to be that of an undisturbed run.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from end_state import consul, differences, end_state
from harness import Factory, Lab, await_none

import bob.sandbox
from bob.ops.init.record import changed_something
from bob.ops.init.steps import STEPS
from bob.ops.record import Operation, StepRecord
from bob.ops.sense import TUNING
from bob.ops.states import State, StepState
from bob.waiting import Deadline, pause, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

SEED = 20
NODES = 4  # three servers and a client
NAMES = [step.name for step in STEPS]
INTERRUPTED = 130
STOPPED_WITHIN = 60.0  # generous: connections end at once, one that is being opened within 8 s
SETTLED_WITHIN = 60.0
# A step that took less can be over before the watcher gets the processor.
CERTAIN = 1.0
SEEN = 5  # so many steps at least are killed while they are under way
# Nothing is left to wait for by the time that another run gets there.
PASSING = {"verify"}


@dataclass(frozen=True)
class Stop:
    """Where a run ends, and how."""

    step: str
    during: bool
    signal: signal.Signals = signal.SIGKILL


def schedule() -> Iterator[Stop]:
    for name in NAMES:
        if name == "binaries":
            yield Stop(name, during=True, signal=signal.SIGINT)
        if name == "nomad-clients":
            yield Stop(name, during=True, signal=signal.SIGTERM)
        yield Stop(name, during=True)
        yield Stop(name, during=False)


class Run:
    """A `bob init` that is watched through its record."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._before = operation(lab)
        self.process = subprocess.Popen(
            ["nice", *lab.command("init", "-f", str(lab.inventory), "--yes")],
            env=lab.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def step(self, name: str) -> StepRecord | None:
        """The step's record, None before this run has written any."""
        now = operation(self._lab)
        return now.step(name) if now else None

    def begun(self, name: str) -> bool:
        """This run applies the step, or has been there and found nothing to do."""
        return self.applied(name) or self.done(name)

    def applied(self, name: str) -> bool:
        """This run applies the step, or has applied it."""
        step, before = self.step(name), self._before and self._before.step(name)
        return step is not None and step.attempts > (before.attempts if before else 0)

    def took(self, name: str) -> float:
        """Seconds that this run needed for the step, which is done; 0 when it had nothing to do."""
        return seconds(self.step(name)) if self.applied(name) else 0.0

    def done(self, name: str) -> bool:
        """This run has been there and the step is done."""
        step, before = self.step(name), self._before and self._before.step(name)
        if step is None or step.state is not StepState.DONE:
            return False
        return step.finished != (before.finished if before else None)

    def wait(self, name: str, *, during: bool) -> None:
        def there() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"init ended before {name}: {self.errors()}")
            return self.begun(name) if during else self.done(name)

        wait_for(there, what=f"init at {name}", deadline=300, interval=0.002)

    def dwell(self, name: str, seconds: float) -> None:
        """Let it work on the step so long, or to the step's end: it may be quicker than another."""
        over = Deadline(seconds)
        while not (over.passed() or self.done(name) or self.process.poll() is not None):
            pause(0.002)

    def errors(self) -> str:
        assert self.process.stderr
        return self.process.stderr.read()


def operation(lab: Lab) -> Operation | None:
    """The newest record."""
    files = sorted(path for path in (lab.folder / "ops").glob("*.json") if path.stem != "active")
    return (
        Operation.model_validate(json.loads(files[-1].read_text())["operation"]) if files else None
    )


def durations(lab: Lab) -> dict[str, float]:
    """Seconds that each step of an undisturbed run took."""
    record = next(
        Operation.model_validate(json.loads(path.read_text())["operation"])
        for path in sorted((lab.folder / "ops").glob("*.json"))
        if path.stem != "active"
    )
    return {step.name: seconds(step) for step in record.steps}


def seconds(step: StepRecord) -> float:
    """How long a finished step took, waiting included; 0 of one that was not needed."""
    return (step.finished - step.started).total_seconds() if step.started else 0.0


@dataclass(frozen=True)
class Undisturbed:
    """An installation that nobody interrupted."""

    durations: dict[str, float]
    end: dict[str, Any]


@pytest.fixture(scope="module")
def undisturbed(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    lab = Lab(sandbox_factory("whole", NODES), tmp_path_factory.mktemp("whole"))
    lab.init()
    # The robot notes it at its first look; a run that is interrupted gets there before its end.
    kv = consul(lab).kv
    wait_for(lambda: kv.get(TUNING), what=TUNING, deadline=SETTLED_WITHIN, interval=1.0)
    found = Undisturbed(durations(lab), end_state(lab))
    bob.sandbox.down(lab.sandbox.name)
    return found


@pytest.fixture
def lab(
    undisturbed: Undisturbed, sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    made = sandbox_factory("resume", NODES)
    yield Lab(made, tmp_path_factory.mktemp("resume"))
    bob.sandbox.down(made.name)


def test_killed_anywhere_and_started_again_it_ends_like_an_undisturbed_run(
    undisturbed: Undisturbed, lab: Lab
) -> None:
    usual, dice = undisturbed.durations, random.Random(SEED)
    long = {name for name in NAMES[:-1] if usual[name] > CERTAIN} - PASSING
    hit: set[str] = set()
    missed: set[str] = set()
    made: dict[str, bytes] = {}
    for stop in schedule():
        run = Run(lab)
        run.wait(stop.step, during=stop.during)
        if stop.during:
            late = dice.uniform(0, 0.4) * usual[stop.step] if stop.step in long else 0
            run.dwell(stop.step, late)
        run.process.send_signal(stop.signal)
        code = run.process.wait(STOPPED_WITHIN)
        if stop.signal is signal.SIGKILL:
            ended = code == 0 and stop.step == NAMES[-1]
            assert code == -signal.SIGKILL or ended, run.errors()
        else:
            assert code == INTERRUPTED, run.errors()
            assert operation(lab).state is State.RUNNING
        if stop.during:
            if run.step(stop.step).state is StepState.RUNNING:
                hit.add(stop.step)
            elif run.took(stop.step) > late + CERTAIN:
                missed.add(stop.step)
        if not made and "keys" in NAMES[: NAMES.index(stop.step)]:
            made = secret_files(lab)

    lab.init()
    assert missed <= PASSING
    assert len(hit) >= SEEN
    assert secret_files(lab) == made
    lab.sound()
    # Agents that were restarted a moment ago may not have said everything yet.
    await_none(lambda: differences(end_state(lab), undisturbed.end), "another end", SETTLED_WITHIN)
    assert_one_history(lab)


def secret_files(lab: Lab) -> dict[str, bytes]:
    """What may be made once only."""
    files = [lab.folder / "secrets.json", lab.folder / "cluster-id", *lab.folder.glob("pki/*.pem")]
    assert len(files) == 6
    return {path.name: path.read_bytes() for path in files}


def assert_one_history(lab: Lab) -> None:
    """Consul has each operation that changed something, and calls it done."""
    files = [path for path in (lab.folder / "ops").glob("*.json") if path.stem != "active"]
    ours = [Operation.model_validate(json.loads(f.read_text())["operation"]) for f in files]
    kv = consul(lab).kv
    for each in ours:
        entry = kv.get(f"bob/history/{each.id}")
        assert (entry is not None) == changed_something(each)
        assert entry is None or Operation.model_validate(entry.json()).state is State.DONE
