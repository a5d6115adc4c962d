"""Five hundred operations of fifty clients at once: each is done, and nothing is done twice."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from busy_fleet import INSTANCES, BusyFleet
from busy_robot import BusyRobot, duties_of

from bob.clients.consul import Consul
from bob.ops.consul_store import ConsulStore
from bob.ops.kind import Request
from bob.ops.record import Operation
from bob.ops.sense import sense
from bob.ops.states import State
from bob.ops.submit import submit
from bob.ops.view import MAINTENANCE
from bob.waiting import wait_for
from inventory import NetworkName

OPERATIONS, CLIENTS = 500, 50
NODES, SERVICES = 120, 500
SHARE = 10  # one of so many operations takes a node out of service
LIMIT = 500.0  # seconds; a quiet machine needs 20


class Desk:
    """Where operators work."""

    def __init__(self, consul: Consul, folder: Path) -> None:
        self.consul = consul
        self.world = BusyFleet(folder, NODES, SERVICES)
        self.world.record(consul)
        self.robots: list[BusyRobot] = []

    def client(self) -> Consul:
        made = Consul(self.consul.http.address)
        made.http._headers = dict(self.consul.http._headers)
        made.http._verify = self.consul.http._verify
        return made

    def robot(self, node: str) -> BusyRobot:
        made = BusyRobot(self.world, self.client, node, duties_of(self.world))
        self.robots.append(made)
        return made

    def submit_all(self) -> dict[str, Request]:
        """Each client submits its share, all at the same moment. Requests by operation."""
        requests = list(self.world.requests(OPERATIONS, SHARE))
        view = sense({NetworkName.MGMT: self.world.around(self.client())}, self.world.nomad)
        ready = threading.Barrier(CLIENTS)

        def work(number: int) -> dict[str, Request]:
            store = ConsulStore(self.client())
            ready.wait()
            share = requests[number::CLIENTS]
            return {submit(store, one, view, "ann").operation.id: one for one in share}

        with ThreadPoolExecutor(CLIENTS) as pool:
            return {name: r for made in pool.map(work, range(CLIENTS)) for name, r in made.items()}

    def left(self) -> list[Operation]:
        return ConsulStore(self.consul).unfinished()

    def finish(self) -> None:
        def over() -> bool:
            left = self.left()
            assert not [(o.kind, o.target, o.said) for o in left if o.state is State.FAILED]
            return not left

        wait_for(over, what="no operation left", deadline=LIMIT, interval=0.5)


@pytest.fixture
def desk(brisk_consul: Consul, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    keep_all = functools.partial(ConsulStore, kept=10 * OPERATIONS)
    monkeypatch.setattr("bob.robot.housekeeping.ConsulStore", keep_all)
    made = Desk(brisk_consul, tmp_path)
    yield made
    for robot in made.robots:
        robot.stop()
    made.world.release()
    brisk_consul.kv.delete("bob/", recurse=True)


def assert_each_done_once(desk: Desk, wished: dict[str, Request]) -> None:
    assert len(wished) == OPERATIONS
    records = ConsulStore(desk.consul).list()
    ours = {r.id: (r.kind, r.target, r.state) for r in records if r.requested_by == "ann"}
    assert ours == {name: (r.kind, r.target, State.DONE) for name, r in wished.items()}
    assert [r for r in records if r.requested_by != "ann"] == []
    assert desk.consul.kv.keys("bob/ops/") == desk.consul.kv.keys("bob/active/") == ()
    view = sense({NetworkName.MGMT: desk.world.around(desk.client())}, desk.world.nomad)
    for request in wished.values():
        if request.kind == "maintain":
            assert view.wishes[request.target].state == MAINTENANCE
            assert not view.nodes[request.target].eligible
            assert desk.world.drained[request.target] == 1
        else:
            scaled = request.kind == "scale"
            job = view.jobs[request.target]
            assert job.desired == INSTANCES + scaled
            assert job.version == scaled, "registered once for each operation"
            assert sum(a.running for a in job.allocations) == job.desired


def test_all_are_done_once(desk: Desk) -> None:
    robot = desk.robot("n1")
    wait_for(lambda: robot.leads, what="it leads", deadline=20)
    wished = desk.submit_all()
    desk.finish()
    assert_each_done_once(desk, wished)


def test_all_are_done_once_though_the_leader_dies(desk: Desk) -> None:
    first = desk.robot("n1")
    wait_for(lambda: first.leads, what="it leads", deadline=20)
    second = desk.robot("n2")
    wished = desk.submit_all()
    wait_for(lambda: len(desk.left()) < OPERATIONS / 2, what="half is done", deadline=LIMIT)
    first.kill(desk.consul)
    assert desk.left(), "it died in the middle"
    desk.finish()
    assert second.leads
    assert_each_done_once(desk, wished)
