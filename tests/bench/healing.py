"""How long a cluster of five hosts takes to heal, and what its agents cost while nothing happens.

One cluster, initialised anew; each loss is followed by a return to health. Seconds are printed next
to their goals. A busy machine is slower: the load is printed, too.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from end_state import consul, nomad
from harness import Lab

import bob.sandbox
from bob.election import LEADER_KEY
from bob.errors import BobError
from bob.ops.consul_store import OPERATIONS, ConsulStore
from bob.ops.kind import Request
from bob.ops.sense import sense
from bob.ops.states import StepState
from bob.ops.submit import Submitted, submit
from bob.waiting import wait_for
from inventory import NetworkName

NAME = "bench-healing"
NODES = 5
ROUNDS = 2
PATIENCE = 180.0
QUIET_SECONDS = 45.0  # the leader looks more often in the half minute after it did something
IDLE_SECONDS = 60.0
SERVICES = {"demo": 3, "haproxy": 2}
SYSTEM_HZ = os.sysconf("SC_CLK_TCK")
BUDGETS = {"bob-agent": 45, "healthcheck": 20}  # MB on each node


def main() -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as state:
        sandbox = bob.sandbox.up(NAME, NODES)
        try:
            lab = Lab(sandbox, Path(state))
            lab.init()
            lab.bob("deploy", "demo", "--yes")
            lab.bob("scale", "demo", str(SERVICES["demo"]), "--yes")
            measure(lab)
        finally:
            bob.sandbox.down(NAME)


def measure(lab: Lab) -> None:
    """All figures, one line each."""
    settle(lab)
    cost(lab)
    several("leader's process killed -> step under way", 2, lambda: leader_lost(lab, process=True))
    several("leader's host off -> step under way", 6, lambda: leader_lost(lab, process=False))
    several("other host off -> all instances elsewhere", 8, lambda: host_lost(lab, leads=False))
    several("Nomad leader's host off -> the same", 10, lambda: host_lost(lab, leads=True))


def several(what: str, goal: float, once: Callable[[], float]) -> None:
    """The middle and the worst of some rounds."""
    found = [once() for _ in range(ROUNDS)]
    load = os.getloadavg()[0]
    middle, worst = statistics.median(found), max(found)
    told = f"{what}: {middle:.1f} s, worst {worst:.1f} s (goal {goal} s, load {load:.1f})"
    print(told, flush=True)


def cost(lab: Lab) -> None:
    """Memory and processor of the agents while nothing happens."""
    rest(QUIET_SECONDS)
    leader = robot_leader(lab)
    before = {
        (node.name, unit): spent(lab, node.name, unit)
        for node in lab.sandbox.nodes
        for unit in BUDGETS
    }
    began = time.monotonic()
    rest(IDLE_SECONDS)
    took = time.monotonic() - began
    for (node, unit), (spent_before, _) in before.items():
        spent_now, memory = spent(lab, node, unit)
        share = (spent_now - spent_before) / took
        role = "leads" if node == leader else "follows"
        print(
            f"{unit} of {node} ({role}): {memory:.1f} MB PSS (goal {BUDGETS[unit]}), "
            f"{share:.2%} of a core (goal 0.5 %)", flush=True,
        )  # fmt: skip


def rest(seconds: float) -> None:
    """Do nothing for so long."""
    over = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() > over, what="idle", deadline=PATIENCE)


def spent(lab: Lab, node: str, unit: str) -> tuple[float, float]:
    """CPU seconds and proportional memory (MB) of a daemon of ours on a node."""
    script = (
        f"p=$(systemctl show -P MainPID {unit}); cat /proc/$p/stat; "
        "awk '/^Pss:/ { print $2 }' /proc/$p/smaps_rollup"
    )
    stat, memory = lab.on(node, script).splitlines()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / SYSTEM_HZ, int(memory) / 1000


def leader_lost(lab: Lab, *, process: bool) -> float:
    """Seconds from the loss until an operation that is wished right then has a step under way."""
    settle(lab)
    leader = robot_leader(lab)
    target = next(n.name for n in lab.sandbox.nodes[::-1] if n.name != leader)
    networks = {network: consul(lab, network) for network in NetworkName}
    view = sense(networks, nomad(lab))
    if process:
        lab.on(leader, "systemctl kill -s KILL bob-agent")
    else:
        lab.sandbox.bmc(leader).power("off")
    began = time.monotonic()

    def wished() -> Submitted | None:
        try:
            return submit(ConsulStore(consul(lab)), Request("maintain", target), view, "bench")
        except BobError:  # Consul may have lost its leader, too
            return None

    made = wait_for(wished, what="a wish", deadline=PATIENCE, interval=0.05)
    wait_for(
        lambda: under_way(lab, made.operation.id), what="a step", deadline=PATIENCE, interval=0.02
    )
    took = time.monotonic() - began
    if not process:
        lab.sandbox.bmc(leader).power("on")
    settle(lab)
    lab.bob("maintain", target, "--off", "--yes")
    return took


def under_way(lab: Lab, name: str) -> bool:
    """Whether a step of the operation was begun."""
    try:
        found, _ = ConsulStore(consul(lab)).read(name)
    except (BobError, KeyError):
        return False
    return any(step.attempts or step.state is StepState.DONE for step in found.steps)


def host_lost(lab: Lab, *, leads: bool) -> float:
    """Seconds until every service has all its instances on other hosts."""
    settle(lab)
    places = instances(lab)
    leader = nomad(lab).operator.raft().leader
    if leads:
        victim = leader.name if leader else ""
        if victim not in places["demo"]:
            move_leadership(lab, next(n for n in places["demo"] if n in voters(lab)))
            return host_lost(lab, leads=True)
    else:
        victim = next(n for n in places["demo"] if n != (leader.name if leader else ""))
    lab.sandbox.bmc(victim).power("off")
    began = time.monotonic()
    wait_for(
        lambda: complete(lab, victim), what="instances elsewhere", deadline=PATIENCE, interval=0.1
    )
    took = time.monotonic() - began
    lab.sandbox.bmc(victim).power("on")
    return took


def complete(lab: Lab, without: str) -> bool:
    """Every service has its number of running instances, none of them counted on `without`."""
    try:
        found = instances(lab)
    except BobError:
        return False
    return all(
        len([node for node in found[name] if node != without]) >= count
        for name, count in SERVICES.items()
    )


def instances(lab: Lab) -> dict[str, list[str]]:
    """The nodes on which each service runs."""
    asked = nomad(lab)
    found = {name: asked.state.allocations(name) for name in SERVICES}
    return {
        name: [a.node_name for a in allocations if a.running and a.desired == "run"]
        for name, allocations in found.items()
    }


def voters(lab: Lab) -> frozenset[str]:
    """Nomad's servers."""
    return nomad(lab).operator.raft().voters


def move_leadership(lab: Lab, node: str) -> None:
    """Have Nomad on this server lead."""
    peers = nomad(lab).operator.raft().peers
    nomad(lab).operator.transfer_leadership(next(peer.id for peer in peers if peer.name == node))
    settle(lab)


def settle(lab: Lab) -> None:
    """Healthy, with nothing under way."""

    def at_rest() -> bool:
        try:
            return not consul(lab).kv.keys(OPERATIONS) and lab.healthy() and complete(lab, "")
        except BobError:
            return False

    wait_for(at_rest, what="a healthy cluster", deadline=PATIENCE, interval=1.0)


def robot_leader(lab: Lab) -> str:
    """The node whose agent leads."""
    entry = consul(lab).kv.get(LEADER_KEY)
    return str(json.loads(entry.value)["node"]) if entry else ""


if __name__ == "__main__":
    main()
