"""A cluster with a job on every host, and what is asked of it while it is looked after."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from end_state import consul, nomad
from harness import Lab

from bob.clients.consul import Consul
from bob.errors import BobError
from bob.ops.consul_store import ConsulStore
from bob.ops.record import Operation
from bob.provision import agents
from bob.provision.secrets import Secrets, load
from bob.waiting import wait_for
from inventory import NetworkName

DEADLINE = 420.0  # generous: 30 s for a restart of every agent on an idle machine
WITHOUT_LEADER = 20.0  # seconds that an election may take on a loaded machine; 2 to 4 are usual
NODES = ("n1", "n2", "n3")

JOB = """
job "sleeper" {
  datacenters = ["*"]
  group "main" {
    count = 3
    constraint {
      distinct_hosts = true
    }
    task "sleep" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["100000"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""


def start_job(lab: Lab) -> None:
    jobs = nomad(lab).jobs
    jobs.register(jobs.parse(JOB))
    wait_for(lambda: len(pids(lab)) == 3, what="the job runs", deadline=DEADLINE, interval=1)


def pids(lab: Lab) -> dict[str, str]:
    """The process of the job on each host."""
    found = {
        node: lab.on(node, "pgrep -xf '/bin/sleep 100000' || true", check=False).strip()
        for node in NODES
    }
    return {node: pid for node, pid in found.items() if pid}


def rested(lab: Lab) -> bool:
    """Healthy, nothing under way, and every server stable in every raft."""
    try:
        judged = [consul(lab, net).operator.autopilot() for net in NetworkName]
        judged.append(nomad(lab).operator.autopilot())
        passing = consul(lab).http.request("GET", "/v1/health/service/bob?passing=1").json()
        return (
            not ConsulStore(consul(lab)).unfinished()
            and all(s.healthy and s.voter for one in judged for s in one.servers)
            and len(passing) == len(NODES)
            and lab.healthy()
        )
    except BobError:
        return False


def known(lab: Lab) -> Secrets:
    return load(lab.folder / "secrets.json", lab.sandbox.name)


def with_token(lab: Lab, token: str) -> Consul:
    port = agents.consul_agent(NetworkName.MGMT).https_port
    urls = [f"https://{node.addresses['mgmt']}:{port}" for node in lab.sandbox.nodes]
    return Consul.any(urls, token, lab.folder / "pki/consul-ca.pem")


def newest(lab: Lab, kind: str) -> Operation:
    return [one for one in ConsulStore(consul(lab)).list() if one.kind == kind][-1]


@contextmanager
def watched(lab: Lab) -> Iterator[list[float]]:
    """Look for leaders all the time; the list has the seconds of each time without one."""

    def led() -> bool:
        try:
            return bool(consul(lab).leader() and nomad(lab).leader())
        except BobError:
            return False

    gaps, since = [0.0], [0.0]

    def look() -> None:
        now = time.monotonic()
        since[0] = 0.0 if led() else since[0] or now
        gaps.append(now - since[0] if since[0] else 0.0)

    with repeated(look):
        yield gaps


@contextmanager
def repeated(look: Any) -> Iterator[None]:
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.3):
            look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)
