"""One node watches the cluster: what it registers, takes away, and leaves behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from health_facts import cluster

from bob.clients.consul import ServiceInstance
from bob.clients.http import Unreachable
from bob.errors import LockLost
from bob.waiting import wait_for
from healthcheck import records
from healthcheck.cluster import watching
from healthcheck.cluster.watching import ClusterWatch
from healthcheck.config import HealthConfig, OwnNetwork

SOON = 30.0
CONFIG = HealthConfig(
    cluster="c1", node="n1", token="t", networks=(OwnNetwork("mgmt", "10.0.0.1", 1),), units=(),
    echo_port=1, metrics_port=1, watches_cluster=True, consul_ca="", nomad="",
    nomad_ca="",
)  # fmt: skip


class PlayedConsul:
    """A Consul with services by node, that fails as often as `failures` says."""

    def __init__(self) -> None:
        self.registered = {"n1", "n3"}  # nodes with the service: ours of before, and a dead one's
        self.failures = 0
        self.written: dict[str, bytes] = {}
        self.agent = self.catalog = self.kv = self

    def _work(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Unreachable("no answer", sent=False)

    def register_service(self, name: str, ttl: int, notes: str, status: str) -> None:
        self._work()
        self.registered.add("n1")

    def update_check(self, check: str, status: str, output: str) -> None:
        self._work()

    def deregister_service(self, first: str, second: str = "") -> None:
        """The agent's own, by id, or one of the catalog, by node and id."""
        self._work()
        self.registered.discard(first if second else "n1")

    def service(self, name: str, *, stale: bool) -> tuple[ServiceInstance, ...]:
        self._work()
        return tuple(
            ServiceInstance(node, name, name, "", 0, (), ()) for node in sorted(self.registered)
        )

    def put(self, key: str, value: bytes) -> bool:
        self._work()
        self.written[key] = value
        return True


class PlayedElector:
    def __init__(self) -> None:
        self.leads = False
        self.resigned = False

    def leadership(self) -> None:
        if not self.leads:
            raise LockLost("another one leads")

    def step(self) -> None:
        threading.Event().wait(0.01)

    def resign(self) -> None:
        self.resigned = True


class PlayedSensor:
    def __init__(self, config: HealthConfig) -> None:
        pass

    def step(self) -> None:
        pass

    def facts(self) -> object:
        return cluster()

    def complete(self) -> bool:
        return True


class Stage:
    def __init__(self, watch: ClusterWatch, consul: PlayedConsul, elector: PlayedElector) -> None:
        self.watch, self.consul, self.elector = watch, consul, elector
        self.stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, args=(self.stop, lambda _: None), daemon=True)
            for work in (watch.run, watch.elect)
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(SOON)

    def until_registered(self, *nodes: str) -> None:
        wait_for(
            lambda: self.consul.registered == set(nodes), what=f"only on {nodes}", deadline=SOON
        )


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(watching, "ClusterSensor", PlayedSensor)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.01)
    consul, elector = PlayedConsul(), PlayedElector()
    watch = ClusterWatch(CONFIG, "http://127.0.0.1:1", tmp_path / "run")
    monkeypatch.setattr(watch, "_consul", consul)
    monkeypatch.setattr(watch, "_elector", elector)
    made = Stage(watch, consul, elector)
    made.watch._report = watching.Report(consul, "n1", "clustercheck", records.CLUSTER)  # type: ignore[arg-type]
    yield made
    made.end()


@pytest.mark.parametrize("failures", [0, 3])
def test_who_does_not_lead_takes_away_what_it_left_before(stage: Stage, failures: int) -> None:
    stage.consul.failures = failures
    stage.begin()
    stage.until_registered("n3")
    assert stage.watch.findings == ()


def test_who_leads_is_the_only_one_registered_and_writes_what_it_found(stage: Stage) -> None:
    stage.elector.leads = True
    stage.begin()
    stage.until_registered("n1")
    wait_for(lambda: records.CLUSTER in stage.consul.written, what="the record", deadline=SOON)
    record = records.parse(stage.consul.written[records.CLUSTER])
    assert record is not None and record.node == "n1" and record.findings
    assert list(stage.watch.findings) == list(record.findings)


def test_who_leads_no_more_leaves_nothing_behind(stage: Stage) -> None:
    stage.elector.leads = True
    stage.begin()
    stage.until_registered("n1")
    stage.consul.failures = 5
    stage.elector.leads = False
    stage.until_registered()


def test_a_stop_takes_the_service_away_and_then_gives_up_the_lead(stage: Stage) -> None:
    stage.elector.leads = True
    stage.begin()
    stage.until_registered("n1")
    stage.end()
    assert stage.consul.registered == set()
    assert stage.elector.resigned
