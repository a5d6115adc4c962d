"""The leader is killed while it works: its process, its host, or frozen and thawed.

Each kind of operation meets one way of dying during a step; `BOB_KILL_MATRIX=full` lets each meet
all of them. Whatever happens, the operation finishes, once, and the cluster is healthy.

The tests share one cluster of four nodes and a bare host, and follow each other.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from end_state import consul
from harness import Factory, Lab, power

import bob.sandbox
from bob.clients.consul import Consul
from bob.election import LEADER_KEY
from bob.errors import BobError
from bob.ops.consul_store import ACTIVE, HISTORY, OPERATIONS
from bob.ops.record import Operation
from bob.ops.states import State, StepState
from bob.ops.tasks import TASKS
from bob.waiting import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]

DEADLINE = 420.0
THAW_SECONDS = 25.0  # a frozen leader loses its session after 10 to 20 s
FULL = os.environ.get("BOB_KILL_MATRIX") == "full"
BARE = "n5"


@dataclass(frozen=True)
class Case:
    """`verb` is the command; `step` the one during which the leader dies ("" for the first)."""

    verb: tuple[str, ...]
    way: str
    step: str = ""

    def __str__(self) -> str:
        return f"{' '.join(self.verb)} {self.way}"


# The order matters: each leaves what the next one needs.
VERBS = (
    Case(("deploy", "demo"), "process"),
    Case(("scale", "demo", "3"), "freeze"),
    Case(("maintain", "n4"), "power"),
    Case(("maintain", "n4", "--off"), "process"),
    Case(("promote", "n4"), "freeze", "join"),
    Case(("add-node", BARE), "power", "programs"),
    Case(("rotate", "gossip"), "process"),
    Case(("remove-node", BARE), "freeze"),
    Case(("scale", "demo", "2"), "power"),
    Case(("undeploy", "demo"), "process"),
)
WAYS = ("process", "power", "freeze")
MORE = (  # before the promoted node is a client again, and after
    Case(("demote", "n4"), ""),
    Case(("rotate", "certificates"), ""),
    Case(("rotate", "tokens"), ""),
)
CASES = [replace(case, way=way) for way in WAYS for case in (*VERBS[:5], *MORE, *VERBS[5:])]
if not FULL:
    CASES = list(VERBS)


@pytest.fixture(scope="module")
def lab(sandbox_factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = Lab(sandbox_factory("kills", 4), tmp_path_factory.mktemp("kills"))
    made.init()
    return replace(made, sandbox=bob.sandbox.up(made.sandbox.name, 5))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operation_outlives_its_leader_and_finishes_once(lab: Lab, case: Case) -> None:
    settled(lab)
    before = ids(lab)
    revive: Callable[[], object] | None = None
    process, found = begin(lab, case, before)
    with process:
        try:
            if found.state is not State.DONE:  # it was faster than we can look
                revive = strike(lab, case.way)
            done = wait_for(
                lambda: finished(lab, found.id, revive), what=f"{found.kind} ends",
                deadline=DEADLINE, interval=0.5,
            )  # fmt: skip
        finally:
            if revive:
                revive()
        process.communicate(timeout=DEADLINE)
    assert done.state is State.DONE
    assert [step.name for step in done.steps if step.state is not StepState.DONE] == []
    settled(lab)
    asked = consul(lab)
    assert [key for key in asked.kv.keys(HISTORY) if key.endswith(found.id)] == [HISTORY + found.id]
    assert [key for key in asked.kv.keys(TASKS) if found.id in key] == []


def begin(lab: Lab, case: Case, before: set[str]) -> tuple[subprocess.Popen[str], Operation]:
    """Start the command and wait until its operation is in the step.

    It may be refused at first, when what the case before did to a host is not yet quite over: it is
    started again then, as a person would.
    """
    process = command(lab, case.verb)

    def begun() -> Operation | None:
        nonlocal process
        if process.poll() is not None and not ids(lab) - before:
            print(f"refused: {process.communicate()[0]}")
            process = command(lab, case.verb)
        return at_work(lab, before, case.step)

    found = wait_for(begun, what=f"{case.verb} at work", deadline=DEADLINE, interval=0.05)
    return process, found


def command(lab: Lab, verb: tuple[str, ...]) -> subprocess.Popen[str]:
    """The operator's command; how it ends does not matter here, the operation does."""
    words = [*verb, "--yes"]
    if verb[0] == "add-node":
        words += ["-f", str(lab.inventory)]
    if verb[0] == "remove-node":
        words += ["--accept", "last-instance"]
    return subprocess.Popen(
        lab.command(*words), env=lab.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def strike(lab: Lab, way: str) -> Callable[[], object] | None:
    """Let the leader die in this way; what brings it back, if it does not come by itself."""
    leader = str(json.loads(read(lab, LEADER_KEY) or b"{}").get("node"))
    print(f"{way} of {leader}")
    if way == "power":
        power(lab.sandbox, [leader], "off")
        return lambda: power(lab.sandbox, [leader], "on")
    signal = {"process": "KILL", "freeze": "STOP"}[way]
    lab.on(leader, f"systemctl kill -s {signal} bob-agent")
    if way == "process":
        return None
    thaw_at = time.monotonic() + THAW_SECONDS

    def thaw() -> None:
        wait_for(lambda: time.monotonic() > thaw_at, what="long enough", deadline=THAW_SECONDS + 1)
        lab.on(leader, "systemctl kill -s CONT bob-agent")

    return thaw


def read(lab: Lab, key: str) -> bytes | None:
    try:
        entry = consul(lab).kv.get(key)
    except BobError:
        return None
    return entry.value if entry else None


def records(lab: Lab) -> list[Operation]:
    """Of people, those under way and those that ended; none while Consul does not answer."""
    try:
        kv = consul(lab).kv
        entries = (*kv.list(OPERATIONS), *kv.list(HISTORY))
    except BobError:
        return []
    found = (Operation.model_validate_json(entry.value) for entry in entries)
    return [one for one in found if one.requested_by != "robot"]


def ids(lab: Lab) -> set[str]:
    return {one.id for one in records(lab)}


def at_work(lab: Lab, before: set[str], step: str) -> Operation | None:
    """The new operation, once it is in that step (or in its first one), or over."""
    for one in records(lab):
        if one.id in before or one.state is State.PENDING:
            continue
        begun = [s.name for s in one.steps if s.state is not StepState.PENDING]
        if one.state is State.DONE or (step in begun if step else begun):
            return one
    return None


def finished(lab: Lab, name: str, revive: Callable[[], object] | None) -> Operation | None:
    """The operation when it has ended.

    One that waits for the host, or failed, needs a person who sees to the host: a rotation leaves
    no server behind.
    """
    for one in records(lab):
        if one.id == name and revive and "not there" in one.said:
            revive()
        if one.id == name and one.state is State.FAILED:
            print(f"failed: {[s.error for s in one.steps if s.error]}")
            if revive:
                revive()
            lab_retry(lab, name)
        if one.id == name and one.state in (State.DONE, State.ABORTED):
            return one
    return None


def lab_retry(lab: Lab, name: str) -> None:
    subprocess.run(
        lab.command("op", "retry", name), env=lab.environment, capture_output=True, check=False,
        stdin=subprocess.DEVNULL, timeout=DEADLINE,
    )  # fmt: skip


def settled(lab: Lab) -> None:
    """Healthy, and nothing under way: the robot may have servers to exchange after a promotion."""

    def at_rest() -> bool:
        try:
            asked: Consul = consul(lab)
            return not asked.kv.keys(OPERATIONS) and not asked.kv.keys(ACTIVE) and lab.healthy()
        except BobError:
            return False

    wait_for(at_rest, what="a healthy cluster at rest", deadline=DEADLINE, interval=1.0)
