"""What operations cost the robot, and whether many at once make each of them dearer.

A fleet of 106 nodes and 5,000 services is simulated in memory behind a real Consul. All wishes
are recorded by 50 clients; then a robot in a process of its own carries them out. The cost is the
CPU time of that process, the simulated fleet's share included. Limit: with 5,000 operations each
may cost 1.3 times what it costs with 500.

One cycle is all that the leader judges in one turn, on a view of 1,000 nodes, 50 services and 200
unfinished operations. Limit: 50 ms.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fakes"))
sys.path.insert(0, str(Path(__file__).parents[1] / "contract" / "clients"))

from busy_fleet import BusyFleet
from busy_robot import BusyRobot, duties_of
from loopback_agents import RunningAgent, consul_agent
from thousand_nodes import measure_cycles

from bob import toolchain
from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.ops.consul_store import OPERATIONS, ConsulStore
from bob.ops.kind import Request
from bob.ops.sense import sense
from bob.ops.submit import submit
from bob.waiting import wait_for
from inventory import NetworkName

FEW, MANY, CLIENTS = 500, 5_000, 50
SHARE = 100  # one of so many operations takes a node out of service
LIMIT_RATIO, LIMIT_CYCLE = 1.3, 50.0  # ms
LIMIT_SECONDS = 3600.0


def main() -> None:
    """Print cycles, costs and their ratio."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    parser = argparse.ArgumentParser()
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--many", type=int, default=MANY)
    asked = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}")
    for scene, took in measure_cycles().items():
        print(f"cycle, 1,000 nodes, {scene}: {took:.1f} ms (limit {LIMIT_CYCLE:.0f})")
    binary = toolchain.ensure(["consul"]).consul.path
    with tempfile.TemporaryDirectory() as folder:
        (services := Path(folder) / "services").mkdir()
        with consul_agent(binary, Path(folder), session_ttl_min="1s") as agent:
            world = BusyFleet(services, nodes=2 * asked.many // SHARE + 6, services=asked.many)
            # Both begin before this process speaks TLS: a copy of its locks could stay locked.
            robots = [RobotProcess(agent, world) for _ in (asked.few, asked.many)]
            desk = client(agent)
            wait_for(lambda: ready(desk), what="Consul", deadline=120)
            few, many = (
                cost(agent, world, robot, count)
                for robot, count in zip(robots, (asked.few, asked.many), strict=True)
            )
    print(f"operation, {asked.many} / {asked.few}: {many / few:.2f} (limit {LIMIT_RATIO})")


class RobotProcess:
    """A robot in a process with a copy of the simulated fleet; it begins when it is told to."""

    def __init__(self, agent: RunningAgent, world: BusyFleet) -> None:
        fork = multiprocessing.get_context("fork")
        self._pipe, there = fork.Pipe()
        self._process = fork.Process(target=_work, args=(agent, world, there), daemon=True)
        self._process.start()

    def carry_out(self, over: Callable[[], bool]) -> tuple[float, float]:
        """Work until it is `over`; seconds of CPU and of wall time."""
        self._pipe.send("begin")
        wait_for(
            lambda: over() or not self._process.is_alive(),
            what="no operation left", deadline=LIMIT_SECONDS, interval=0.5,
        )  # fmt: skip
        self._pipe.send("end")
        cpu, wall = self._pipe.recv()
        self._process.kill()
        self._process.join()
        return cpu, wall


def _work(agent: RunningAgent, world: BusyFleet, pipe: Connection) -> None:
    pipe.recv()
    began, used = time.monotonic(), time.process_time()
    BusyRobot(world, lambda: client(agent), "n1", duties_of(world))
    pipe.recv()
    pipe.send((time.process_time() - used, time.monotonic() - began))
    pipe.recv()  # until it is killed


def cost(agent: RunningAgent, world: BusyFleet, robot: RobotProcess, count: int) -> float:
    """CPU seconds of the robot for each of `count` operations."""
    desk = client(agent)
    world.record(desk)
    began = time.monotonic()
    submit_all(agent, world, count)
    recorded = time.monotonic() - began
    cpu, wall = robot.carry_out(lambda: not desk.kv.keys(OPERATIONS))
    print(
        f"{count} operations: {cpu:.1f} s of CPU, {1000 * cpu / count:.1f} ms each; "
        f"wall {wall:.1f} s; recorded in {recorded:.1f} s; load average {os.getloadavg()[0]:.1f}"
    )
    return cpu / count


def submit_all(agent: RunningAgent, world: BusyFleet, count: int) -> None:
    """Record the wishes of all clients."""
    requests = list(world.requests(count, SHARE))
    view = sense({NetworkName.MGMT: world.around(client(agent))}, world.nomad)

    def work(share: list[Request]) -> None:
        store = ConsulStore(client(agent))
        for request in share:
            submit(store, request, view, "ann")

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, (requests[number::CLIENTS] for number in range(CLIENTS))))


def client(agent: RunningAgent) -> Consul:
    """A client with all rights and connections of its own."""
    return Consul(agent.address, agent.token, agent.ca_file)


def ready(consul: Consul) -> bool:
    """Consul answers, and its gossip health is known."""
    try:
        return consul.catalog.serf_health("host11") == "passing"
    except Unreachable:
        return False


if __name__ == "__main__":
    main()
