"""A fleet with a Nomad and a Consul in memory, and operations that run on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from fake_consul import FakeConsul
from fake_consul_state import ConsulState
from fake_nomad import FakeCatalog, FakeNomad
from fake_nomad_state import Fleet
from sim_clock import SimClock

from bob.catalogue import Catalogue
from bob.clients.consul import Member, MemberStatus, Txn, TxnResult
from bob.election import Leadership
from bob.ops.cluster_records import CLUSTER_KEY, NODES, ClusterRecords
from bob.ops.consul_store import ConsulStore
from bob.ops.context import OperationContext
from bob.ops.engine import Engine
from bob.ops.kind import Kind, Request, refuse_guarded
from bob.ops.record import Operation, records_of
from bob.ops.sense import stored_catalogue
from bob.ops.services.wishes import ServiceWish, read_wish
from bob.ops.states import State
from bob.ops.view import ClusterView, NodeWish, Quorum
from bob.waiting import Clock
from inventory import Cluster, NetworkName

NODE_NAMES = ("n1", "n2", "n3", "n4")
SERVERS = ("n1", "n2", "n3")
NOW = 1_800_000_000.0
IMAGE = "bob-demo:0123"


class Leader:
    def leadership(self) -> Leadership:
        return Leadership(epoch=7, session="session", valid_until=1e9)

    def commit(self, txn: Txn) -> TxnResult:
        return txn.commit()


class Quiet:
    def started(self, *_: object) -> None: ...
    def retrying(self, *_: object) -> None: ...
    def finished(self, *_: object) -> None: ...


def inventory(nodes: tuple[str, ...] = NODE_NAMES) -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": "c1",
            "ssh": {"user": "root"},
            "networks": {"mgmt": {"cidr": "10.101.0.0/24"}},
            "nodes": [
                {"name": name, "zone": f"z{number}", "addresses": {"mgmt": f"10.101.0.{number}"}}
                for number, name in enumerate(nodes, start=11)
            ],
        }
    )


class World:
    """`wishes` of the nodes may be changed; `said` is what operations told."""

    def __init__(self, nodes: tuple[str, ...] = NODE_NAMES) -> None:
        self.time = SimClock()
        self.clock = Clock(now=self.time.now, sleep=self.time.advance)
        self.fleet = Fleet(nodes, self.time.now, start=1.0)
        self.nomad = FakeNomad(self.fleet)
        self.consul = FakeConsul(ConsulState(self.time))
        self.consul.catalog = FakeCatalog(self.fleet)
        self.cluster = inventory(nodes)
        self.said: list[str] = []
        self.catalogue = Catalogue()
        document = {"digest": "d", "inventory": self.cluster.model_dump(mode="json")}
        self.consul.kv.put(CLUSTER_KEY, json.dumps(document))
        for number, name in enumerate(nodes):
            role = "server" if name in SERVERS else "client"
            wish = NodeWish(role=role, zone=f"z{number}")
            self.consul.kv.put(NODES + name, wish.model_dump_json())

    def context(self, request: Request, ident: str = "op1") -> OperationContext:
        operation = Operation(
            id=ident, kind=request.kind, target=request.target, scopes=("service/x",),
            params=dict(request.params),
        )  # fmt: skip
        return OperationContext(
            networks={NetworkName.MGMT: self.consul}, nomad=self.nomad, leader=Leader(),
            clock=self.clock, operation=operation, say=self.said.append,
            look=lambda *_: self.view(),
        )  # fmt: skip

    def view(self) -> ClusterView:
        records = ClusterRecords(self.consul)
        generations = {
            entry.key.removeprefix("bob/generations/"): int(entry.value)
            for entry in self.consul.kv.list("bob/generations/")
        }
        services = {
            entry.key.removeprefix("bob/services/"): entry.json()
            for entry in self.consul.kv.list("bob/services/")
        }
        nodes = {}
        for node in self.nomad.state.nodes():
            if node.name not in nodes or node.ready:
                nodes[node.name] = node
        quorum = Quorum(self.nomad.operator.raft(), self.nomad.operator.autopilot())
        return ClusterView(
            now=NOW + self.time.now(), cluster=self.cluster, wishes=records.nodes(),
            nodes=nodes, jobs={job.id: job for job in self.nomad.state.job_states()},
            services=services, nomad=quorum, generations=generations,
            catalogue=stored_catalogue(self.consul),
            tuning=tuning.json() if (tuning := self.consul.kv.get("bob/tuning")) else None,
            members={
                NetworkName.MGMT: {
                    name: Member(name, "", MemberStatus.ALIVE, name in SERVERS) for name in nodes
                }
            },
            former_nodes=tuple(n for n in self.nomad.state.nodes() if n != nodes[n.name]),
            consul={NetworkName.MGMT: quorum},
        )  # fmt: skip

    def judge(self, kind: Kind, request: Request) -> None:
        """Check and guards, as they are asked before a wish is recorded."""
        view = self.view()
        kind.check(request, view)
        refuse_guarded(kind.guards(request, view), request.accepted)

    def engine(self, kind: Kind, request: Request, ident: str = "op1") -> Engine[OperationContext]:
        steps = kind.steps(request)
        self.store = ConsulStore(self.consul, Leader(), clock=self.clock)
        record = self.context(request, ident).operation.model_copy(
            update={"steps": records_of(steps)}
        )
        self.store.create(record)
        return Engine(self.store, steps, Quiet(), self.clock)

    def store_running(self, operation: Operation) -> None:
        """Record the operation as one that the robot is at work on: its tasks ask for that."""
        self.store = ConsulStore(self.consul, Leader(), clock=self.clock)
        self.store.create(operation.model_copy(update={"state": State.RUNNING}))

    def carry_out(self, kind: Kind, request: Request, ident: str = "op1") -> Operation:
        self.judge(kind, request)
        engine = self.engine(kind, request, ident)
        return engine.run(ident, self.context(request, ident))

    def deploy(self, service: str = "haproxy", ident: str = "op0") -> Operation:
        from bob.ops.kinds.deploy import Deploy

        params = {"images": {"demo": IMAGE}}
        return self.carry_out(Deploy(self.catalogue), Request("deploy", service, params), ident)

    def wish(self, service: str) -> ServiceWish:
        found = read_wish(self.consul, service)
        assert found is not None
        return found

    def running_on(self, service: str) -> list[str]:
        found = self.nomad.state.allocations(service)
        return sorted(a.node_name for a in found if a.running and a.desired == "run")

    def job(self, service: str) -> Mapping[str, Any]:
        return cast(Mapping[str, Any], self.nomad.jobs.get(service))
