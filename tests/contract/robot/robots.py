"""Robots of several nodes over one Consul."""

from __future__ import annotations

import base64
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from robot_world import Build, World
from session_memory import SessionInMemory
from threaded_consul import ThreadedConsul, ThreadedState

from bob.clients.consul import Consul
from bob.clients.nomad import Nomad
from bob.election import Elector
from bob.errors import BobError, UsageError
from bob.ops.consul_store import ConsulStore
from bob.ops.kind import Kind, Request
from bob.ops.record import Operation, new_id, records_of
from bob.ops.states import State
from bob.ops.view import ClusterView, NodeWish
from bob.robot import Robot
from bob.robot.duty import Duty
from bob.waiting import wait_for
from inventory import Cluster, Network, NetworkName, Node

LIMIT = 20.0
MGMT = NetworkName.MGMT


def make_cluster() -> Cluster:
    return Cluster(
        name="c1",
        networks={MGMT: Network(cidr=IPv4Network("10.1.0.0/24"))},
        nodes=tuple(
            Node(name=f"n{number}", addresses={MGMT: IPv4Address(f"10.1.0.{number}")})
            for number in range(1, 4)
        ),
    )


def view_of(consul: Consul, nodes: int = 40) -> ClusterView:
    held = {
        entry.key.removeprefix("bob/active/"): entry.value.decode()
        for entry in consul.kv.list("bob/active/")
    }
    wishes = {f"n{number}": NodeWish(zone="a") for number in range(1, nodes + 1)}
    return ClusterView(now=time.time(), cluster=make_cluster(), wishes=wishes, held=held)


class Agent:
    """The process of one node: its elector and its robot, on threads."""

    def __init__(
        self, site: Site, node: str, duties: Sequence[Duty] = (),
        memory: SessionInMemory | None = None,
    ) -> None:  # fmt: skip
        self.node = node
        self.stopping, self.over = threading.Event(), threading.Event()
        self.killed = False
        self.memory = memory or SessionInMemory()
        self.elector = Elector(site.client(node), node, self.memory)
        self.views = 0
        consul = site.client(node)

        def look(networks: object, nomad: object) -> ClusterView:
            self.views += 1
            return view_of(consul)

        self.robot = Robot(
            node, {MGMT: consul}, self.elector, lambda: Nomad("http://127.0.0.1:1"),
            look=look, attends_to=lambda: duties,
        )  # fmt: skip
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._elect, self._robot)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def leads(self) -> bool:
        return "leader epoch" in self.robot.sentence()

    def stop(self) -> None:
        """As at a clean end of the agent."""
        led = self.leads
        self.stopping.set()
        for thread in self._threads[1:]:
            thread.join(LIMIT)
        self.over.set()
        self._threads[0].join(LIMIT if led else 0)  # else it is in a long read

    def kill(self) -> None:
        """As by SIGKILL: the session lives on, and its id is in the file."""
        self.killed = True
        self.over.set()
        self._threads[0].join(LIMIT)
        self.stopping.set()
        self._threads[1].join(LIMIT)

    def _elect(self) -> None:
        while not self.over.is_set():
            self.elector.step()
        if not self.killed:
            self.elector.resign()

    def _robot(self) -> None:
        self.robot.run(self.stopping)


class Site(ABC):
    consul: Consul

    def __init__(self) -> None:
        self.world = World()
        self.agents: list[Agent] = []
        self._kind = Build(self.world)

    @abstractmethod
    def client(self, node: str) -> Consul:
        """A client to the agent of that node."""

    @abstractmethod
    def events(self) -> list[dict[str, Any]]:
        """The payloads of the user events."""

    def kind_of(self, name: str) -> Kind:
        if name != self._kind.name:
            raise UsageError(f"no operation {name!r}", cure="Upgrade.")
        return self._kind

    def agent(
        self, node: str = "n1", duties: Sequence[Duty] = (),
        memory: SessionInMemory | None = None,
    ) -> Agent:  # fmt: skip
        made = Agent(self, node, duties, memory)
        self.agents.append(made)
        return made

    def leader(self, node: str = "n1", duties: Sequence[Duty] = ()) -> Agent:
        made = self.agent(node, duties)
        self.until(lambda: made.leads, "it leads")
        return made

    def stop(self) -> None:
        self.world.held.clear()
        self.world.hang.clear()
        for agent in self.agents:
            agent.stop()

    @property
    def store(self) -> ConsulStore:
        return ConsulStore(self.consul)

    def submit(self, target: str = "n1", kind: str = "build", **fields: Any) -> str:
        steps = records_of(self._kind.steps(Request(kind, target)))
        made = Operation(id=new_id(), kind=kind, target=target, scopes=(f"node/{target}",),
                         **{"steps": steps, **fields})  # fmt: skip
        self.store.create(made)
        return made.id

    def change(self, operation: str, state: State) -> None:
        """As `bob op pause|resume|retry|abort` do: against whatever is written meanwhile."""
        for _ in range(50):
            made, version = self.store.read(operation)
            try:
                self.store.write(made.with_state(state), version)
            except BobError:
                continue
            return
        raise AssertionError("always changed by somebody else")

    def state(self, operation: str) -> State:
        return self.store.read(operation)[0].state

    def until(self, condition: Callable[[], object], what: str = "") -> None:
        wait_for(lambda: bool(condition()), what=what, deadline=LIMIT, interval=0.02)

    def until_state(self, operation: str, state: State) -> Operation:
        self.until(lambda: self.state(operation) is state, f"{operation} is {state}")
        return self.store.read(operation)[0]


class FakeSite(Site):
    def __init__(self) -> None:
        super().__init__()
        self._state = ThreadedState()
        self.consul = self.client("desk")

    def client(self, node: str) -> Consul:
        return ThreadedConsul(self._state, node)

    def events(self) -> list[dict[str, Any]]:
        return [payload for name, payload in self._state.events if name == "bob-operation"]


class RealSite(Site):
    def __init__(self, consul: Consul) -> None:
        super().__init__()
        self.consul = consul
        self._before = fired(consul)
        for key in ("bob/ops/", "bob/active/", "bob/history/", "bob/tasks/", "bob/pause"):
            consul.kv.delete(key, recurse=True)

    def client(self, node: str) -> Consul:
        http = self.consul.http
        made = Consul(http.address)
        made.http._headers = dict(http._headers)
        made.http._verify = http._verify
        return made

    def events(self) -> list[dict[str, Any]]:
        return [one for one in fired(self.consul) if one not in self._before]


def fired(consul: Consul) -> list[dict[str, Any]]:
    found = consul.http.request("GET", "/v1/event/list", params={"name": "bob-operation"}).json()
    return [json.loads(base64.b64decode(one["Payload"])) for one in found]
