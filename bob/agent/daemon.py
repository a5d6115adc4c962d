"""The parts of the daemon, and its beginning and end.

Every part is a thread. When one ends without being asked to, the process ends with an error and
systemd starts it anew: a daemon with half of its parts would look alive.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bob import logs
from bob.agent import neighbours
from bob.agent.epoch import EpochFile
from bob.agent.executor import Executor, Node
from bob.agent.machine import Machine
from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.daemon import notify
from bob.daemon.check import PASSING, STOP_SECONDS, WARNING, CheckReporter, Said
from bob.daemon.metrics import MetricsServer, Sample, process
from bob.daemon.parts import Part
from bob.daemon.watching import watch
from bob.provision.agent_config import AgentConfig
from bob.provision.agents import BOB_METRICS_PORT, LOOPBACK, consul_agent
from inventory import NetworkName

if TYPE_CHECKING:
    from bob.agent.leading import Leading

SERVICE = "bob"  # what this daemon says of itself in Consul
CONSUL_SECONDS = 1.0  # between two attempts while Consul does not answer yet
LEADER_STOP_SECONDS = 8.0  # the steps of operations look often whether to stop
UNASKED_END = 1


class Daemon:
    """`run_dir` is lost at a reboot, `data_dir` is not."""

    def __init__(self, config: AgentConfig, run_dir: Path, data_dir: Path) -> None:
        address = f"http://{LOOPBACK}:{consul_agent(NetworkName.MGMT).http_port}"
        self._consul = Consul(address, config.token.get_secret_value())
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._task = "none yet"
        self._began = time.time()
        self._leading = _leading(config, run_dir, data_dir)
        self._executor = Executor(
            self._consul,
            Node(config.cluster, config.node, Machine()),
            EpochFile(data_dir / "epoch"),
            say=self._say,
            end=self._end,
        )
        self._metrics = MetricsServer(LOOPBACK, BOB_METRICS_PORT, self._samples)

    def run(self) -> int:
        """Run until a signal, a task or a failure ends it; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end("a signal"))
        neighbours.quicken(Machine())
        self._await_consul()
        parts = self._parts()
        for part in parts:
            part.start()
        notify.ready()
        ended = watch(parts, self._stop, self._wake, lambda: self._said().sentence)
        notify.stopping("stopping")
        self._stop.set()
        if self._leading:
            self._leading.join(LEADER_STOP_SECONDS)
        for part in parts:
            if part.name == "check":
                part.join(STOP_SECONDS)
        logs.get().info("stopped", because=ended.name if ended else "asked to")
        return UNASKED_END if ended else 0

    def _parts(self) -> list[Part]:
        reporter = CheckReporter(self._consul, SERVICE, self._said, time.monotonic)
        works = {
            "tasks": self._executor.run,
            "check": reporter.run,
            "metrics": self._metrics.run,
            **(self._leading.works() if self._leading else {}),
        }
        return [Part(name, work, self._stop, self._wake) for name, work in works.items()]

    def _await_consul(self) -> None:
        """Until the local agent answers. systemd ends us when that takes too long."""
        fault = logs.Fault("waiting for Consul")
        while not self._stop.is_set():
            try:
                self._consul.leader()
            except Unreachable as error:
                fault.failed(error)
                self._stop.wait(CONSUL_SECONDS)
            else:
                return

    def _end(self, reason: str) -> None:
        logs.get().info("ending", because=reason)
        self._stop.set()
        self._wake.set()

    def _say(self, sentence: str) -> None:
        self._task = sentence

    def _said(self) -> Said:
        if self._leading is None:
            return Said(PASSING, f"follows; last task: {self._task}")
        status = PASSING if self._leading.healthy() else WARNING
        sentence = self._leading.sentence()
        if not self._leading.leads():
            sentence = f"follows, {sentence}; last task: {self._task}"
        return Said(status, sentence)

    def _samples(self) -> Iterable[Sample]:
        yield from process()
        yield Sample("process_start_time_seconds", self._began)
        for (kind, state), count in dict(self._executor.counts).items():
            yield Sample("bob_agent_tasks_total", count, {"kind": kind, "state": state})
        if self._leading:
            yield from self._leading.samples()


def _leading(config: AgentConfig, run_dir: Path, data_dir: Path) -> Leading | None:
    """The part of servers: with all operations and what they need, which others never load."""
    if not config.robot:
        return None
    from bob.agent.leading import Leading

    return Leading(config, run_dir, data_dir)
