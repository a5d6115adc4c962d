"""The part of servers: one of them, elected by a lock, watches the whole cluster."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from bob import logs
from bob.clients.consul import Consul
from bob.daemon.parts import Beat
from bob.election import Elector, SessionFile, Timing
from bob.errors import BobError, LockLost
from healthcheck import records
from healthcheck.cluster.decide import decide
from healthcheck.cluster.sense import ClusterSensor
from healthcheck.config import HealthConfig
from healthcheck.findings import Finding
from healthcheck.node import host
from healthcheck.records import CLUSTERCHECK
from healthcheck.reporting import Report

LOOK_SECONDS = 1.0
ELECTION_PATIENCE = 60.0  # a blocking read takes 27 s at most
PATIENCE = 60.0


class ClusterWatch:
    """Takes part in the election; while it leads it senses, judges and reports."""

    def __init__(self, config: HealthConfig, address: str, run_dir: Path) -> None:
        timing = Timing()
        self._config = config
        self._consul = Consul.light(address, config.token)
        self._elector = Elector(
            Consul.light(address, config.token, timeout=timing.timeout),
            config.node,
            SessionFile(run_dir / "session"),
            timing,
            key=records.LEADER,
        )
        self._report = Report(self._consul, config.node, CLUSTERCHECK, records.CLUSTER)
        self._fault = logs.Fault("clustercheck of others")
        self._over = threading.Event()
        self._left_over = True  # a former process of ours may have left its registration behind

    @property
    def findings(self) -> Sequence[Finding]:
        """As found last; none while another node watches."""
        return self._report.findings if self.leads() else ()

    def leads(self) -> bool:
        """This node watches the cluster now."""
        try:
            self._elector.leadership()
        except LockLost:
            return False
        return True

    def elect(self, stop: threading.Event, beat: Beat) -> None:
        """Take part until `stop` is set; then give up the lead."""
        while not (stop.is_set() and self._over.is_set()):
            beat(ELECTION_PATIENCE)
            self._elector.step()
        self._elector.resign()

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Watch while we lead, until `stop` is set. Nothing is left registered behind us."""
        try:
            while not stop.is_set():
                beat(PATIENCE)
                if self.leads():
                    self._term(stop, beat)
                if self._left_over:
                    self._withdraw()
                stop.wait(LOOK_SECONDS)
        finally:
            self._over.set()

    def _term(self, stop: threading.Event, beat: Beat) -> None:
        """From taking the lead to losing it."""
        sensor = ClusterSensor(self._config)
        self._report = Report(self._consul, self._config.node, CLUSTERCHECK, records.CLUSTER)
        self._left_over, alone = True, False
        while self.leads() and not stop.is_set():
            beat(PATIENCE)
            sensor.step()
            findings = decide(sensor.facts())
            self._report.tell(findings, host.uptime(), sensor.complete())
            self._report.publish()
            alone = alone or self._clear_others()
            stop.wait(LOOK_SECONDS)
        self._withdraw()

    def _withdraw(self) -> None:
        try:
            self._report.withdraw()
            self._left_over = False
        except BobError as error:
            logs.get().debug("not withdrawn", error=str(error))

    def _clear_others(self) -> bool:
        """A host that died while it watched keeps its service in the catalog. True when done."""
        try:
            for instance in self._consul.catalog.service(CLUSTERCHECK, stale=True):
                if instance.node != self._config.node:
                    self._consul.catalog.deregister_service(instance.node, CLUSTERCHECK)
        except BobError as error:
            self._fault.failed(error)
            return False
        self._fault.passed()
        return True
