"""How fast the services of a cloud come up, come back, change, and are planned.

Figures are printed next to their goals. A busy machine is slower: the load is printed, too.
Names of parts measure only those: services.py cold_start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from clouds import SERVICES, Cloud
from end_state import nomad
from harness import Lab, power

import bob.sandbox
import bob.toolchain
from bob.catalogue import Catalogue
from bob.commands import shellenv
from bob.context import Context
from bob.errors import BobError
from bob.waiting import wait_for

NAME = "bench-cloud"
PATIENCE = 300.0
DATA = "/var/lib/bob/mariadb /var/lib/bob/rabbitmq /var/lib/bob/glance"


def main(asked: list[str]) -> None:
    """Print every figure, or those of some parts."""
    with tempfile.TemporaryDirectory() as state:
        os.environ["BOB_STATE"] = state
        sandbox = bob.sandbox.up(NAME, 3)
        try:
            cloud = Cloud(Lab(sandbox, Path(state)))
            began = time.monotonic()
            cloud.bring_up(*SERVICES)
            show("cluster and all services, images pulled, s", time.monotonic() - began, "")
            for part in (plan, change, from_nothing, cold_start):
                if not asked or part.__name__ in asked:
                    part(cloud)
        finally:
            bob.sandbox.down(NAME)


def plan(cloud: Cloud) -> None:
    """The whole catalogue, and what is there is not changed."""
    cloud.lab.bob("service", "plan", code=4)
    show(
        "bob service plan, whole catalogue, s",
        timed(lambda: cloud.lab.bob("service", "plan", code=4)),
        "<= 2",
    )


def change(cloud: Cloud) -> None:
    """From the command to the last instance with the new value; one is replaced after another."""
    before = set(cloud.allocations("keystone"))
    began = time.monotonic()
    cloud.bob("config", "set", "keystone", "token_seconds=1800", "--yes", "--detach", code=8)
    first = until(lambda: set(cloud.allocations("keystone")) != before, began)
    last = until(lambda: renewed(cloud, before), began)
    show("change of a value: first instance is replaced, s", first, "<= 3")
    show("change of a value: two of keystone, s", last, "<= 3 + restarts")


def renewed(cloud: Cloud, before: set[str]) -> bool:
    """Every instance is a new one and passes."""
    now = set(cloud.allocations("keystone"))
    return not now & before and len(now) == len(cloud.instances("keystone")) == 2


def from_nothing(cloud: Cloud) -> None:
    """Empty databases and queues, images on the hosts; then `nomad job run` of the same jobs."""
    order = [service.name for service in Catalogue().in_order(*SERVICES)]
    jobs = [nomad(cloud.lab).jobs.get(name) for name in order]
    remove(cloud, order)
    ours = timed(lambda: cloud.bob("deploy", *SERVICES, "--yes"))
    show("all services from empty databases, s", ours, "<= 60")
    remove(cloud, order)
    theirs = timed(lambda: run_by_hand(cloud, jobs))
    show("nomad job run of the same jobs, s", theirs, "")
    show("bob deploy / nomad job run", ours / theirs, "<= 1.2")
    for name in reversed(order):
        nomad(cloud.lab).jobs.deregister(name, purge=True)
    cloud.bob("deploy", *SERVICES, "--yes")


def remove(cloud: Cloud, order: list[str]) -> None:
    """All services and their data; what needs others goes first."""
    for name in reversed(order):
        cloud.bob("undeploy", name, "--yes")
    for node in cloud.lab.sandbox.nodes:
        cloud.lab.on(node.name, f"rm -rf {DATA}")


def run_by_hand(cloud: Cloud, jobs: list[Any]) -> None:
    """One job after another, each until Nomad calls its deployment successful."""
    environment = {**os.environ, **shellenv.values(Context.load(cloud.lab.sandbox.name))}
    program = str(bob.toolchain.ensure(["nomad"]).nomad.path)
    for job in jobs:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"Job": job}, file)
            file.flush()
            argv = [program, "job", "run", "-json", file.name]
            subprocess.run(argv, env=environment, check=True, capture_output=True)


def cold_start(cloud: Cloud) -> None:
    """All hosts lose their power at once and get it back."""
    wanted = {
        each["name"]: each["instances"]["wanted"]
        for each in cloud.asked("service", "ls", "--deployed")["services"]
    }
    names = [node.name for node in cloud.lab.sandbox.nodes]
    power(cloud.lab.sandbox, names, "off")
    began = time.monotonic()
    power(cloud.lab.sandbox, names, "on")
    waiting = set(wanted)

    def all_pass() -> bool:
        for name in sorted(waiting):
            if serving(cloud, name) == wanted[name]:
                waiting.discard(name)
                show(f"cold start: {name}, s", time.monotonic() - began, "")
        return not waiting

    wait_for(all_pass, what="every service", deadline=PATIENCE, interval=0.3)
    show("cold start: every service, s", time.monotonic() - began, "<= 40")


def serving(cloud: Cloud, name: str) -> int:
    """Instances that run and pass; Consul may remember that one passed before the power failed."""
    try:
        running = cloud.allocations(name)
        return sum(any(a in each.id for a in running) for each in cloud.instances(name))
    except BobError:  # nobody leads yet
        return -1


def until(condition: Callable[[], bool], began: float) -> float:
    """Seconds since `began` at which it holds."""
    wait_for(condition, what="the change", deadline=PATIENCE, interval=0.1)
    return time.monotonic() - began


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def show(what: str, figure: float, goal: str) -> None:
    """One line: what, figure, goal, load of the machine."""
    print(f"{what:55} {figure:8.2f}   {goal:16} load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
