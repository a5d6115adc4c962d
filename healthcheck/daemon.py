"""The parts of the daemon, and its beginning and end.

It says that it is ready at once, and waits for nobody: it is there to tell what does not work.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bob import logs
from bob.clients.consul import Consul
from bob.daemon import notify
from bob.daemon.metrics import MetricsServer, Sample, process
from bob.daemon.parts import Beat, Part
from bob.daemon.watching import watch
from healthcheck import numbers, records
from healthcheck.config import HealthConfig
from healthcheck.node import host
from healthcheck.node.decide import decide
from healthcheck.node.echo import Responder
from healthcheck.node.facts import NodeFacts
from healthcheck.node.sense import NodeSensor
from healthcheck.records import CLUSTERCHECK, NODECHECK
from healthcheck.reporting import Report
from healthcheck.table import summary

if TYPE_CHECKING:
    from healthcheck.cluster.watching import ClusterWatch

LOOPBACK = "127.0.0.1"
LOOK_SECONDS = 1.0
PATIENCE = 60.0
STOP_SECONDS = 4.0  # a leader looks up every two
UNASKED_END = 1


class Daemon:
    """`run_dir` is lost at a reboot."""

    def __init__(self, config: HealthConfig, run_dir: Path) -> None:
        address = f"http://{LOOPBACK}:{config.networks[0].http_port}"  # mgmt comes first
        consul = Consul.light(address, config.token)
        self._stop, self._wake = threading.Event(), threading.Event()
        self._began = time.time()
        self._sensor = NodeSensor(config)
        self._facts: NodeFacts | None = None
        self._report = Report(consul, config.node, NODECHECK, f"{records.NODES}{config.node}")
        self._responder = Responder(config.echo_port, config.networks)
        self._cluster = _cluster_watch(config, address, run_dir)
        self._metrics = MetricsServer(LOOPBACK, config.metrics_port, self._samples)

    def run(self) -> int:
        """Run until a signal or a failure ends it; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        parts = self._parts()
        for part in parts:
            part.start()
        notify.ready()
        ended = watch(parts, self._stop, self._wake, lambda: summary(self._report.findings))
        notify.stopping("stopping")
        # One that does not lead has nothing to give up, and may be in a long read.
        last = ("report", "election") if self._cluster and self._cluster.leads() else ("report",)
        self._stop.set()
        for part in parts:
            if part.name in last:
                part.join(STOP_SECONDS)
        logs.get().info("stopped", because=ended.name if ended else "asked to")
        return UNASKED_END if ended else 0

    def _parts(self) -> list[Part]:
        works = {
            "node": self._look,
            "report": self._tell,
            "links": self._sensor.links.run,
            "echo": self._responder.run,
            "metrics": self._metrics.run,
        }
        if self._cluster is not None:
            works |= {"election": self._cluster.elect, "cluster": self._cluster.run}
        return [Part(name, work, self._stop, self._wake) for name, work in works.items()]

    def _look(self, stop: threading.Event, beat: Beat) -> None:
        """Sense and judge this node until `stop` is set."""
        while not stop.is_set():
            beat(PATIENCE)
            self._sensor.step()
            self._facts = self._sensor.facts()
            self._report.tell(decide(self._facts), host.uptime(), self._sensor.complete())
            stop.wait(LOOK_SECONDS)

    def _tell(self, stop: threading.Event, beat: Beat) -> None:
        """Tell Consul until `stop` is set; the last word is that we stopped."""
        while not stop.is_set():
            beat(PATIENCE)
            self._report.publish()
            stop.wait(LOOK_SECONDS)
        self._report.close()

    def _end(self) -> None:
        self._stop.set()
        self._wake.set()

    def _samples(self) -> Iterable[Sample]:
        yield from process()
        yield Sample("process_start_time_seconds", self._began)
        yield from numbers.of_findings(NODECHECK, self._report.findings)
        if self._facts is not None:
            yield from numbers.of_node(self._facts)
            yield from numbers.of_probes(self._facts.missing)
        if self._cluster is not None:
            leads = self._cluster.leads()
            yield Sample("healthcheck_watches_cluster", float(leads))
            if leads:
                yield from numbers.of_findings(CLUSTERCHECK, self._cluster.findings)


def _cluster_watch(config: HealthConfig, address: str, run_dir: Path) -> ClusterWatch | None:
    """The part of servers: with election and Nomad, which others never load."""
    if not config.watches_cluster:
        return None
    from healthcheck.cluster.watching import ClusterWatch

    return ClusterWatch(config, address, run_dir)
