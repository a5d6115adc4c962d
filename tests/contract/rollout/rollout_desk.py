"""Where an operator works: a real robot over a real Consul and a real Nomad with one node."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from consul_servers import OURS, ConsulServers, Way
from session_memory import SessionInMemory

from bob.catalogue import Catalogue
from bob.clients.nomad import Allocation, Nomad
from bob.election import Elector
from bob.ops.cluster_records import CLUSTER_KEY, NODES, public_inventory
from bob.ops.consul_store import ConsulStore
from bob.ops.kind import Request
from bob.ops.record import Operation
from bob.ops.sense import sense, stored_catalogue
from bob.ops.states import State
from bob.ops.submit import submit
from bob.ops.view import NodeWish
from bob.ops.watch import follow
from bob.robot import Robot
from bob.waiting import Deadline
from inventory import Cluster, Network, NetworkName, Node

NODE = "host11"  # as Nomad's only node is called
SECONDS = 450.0  # a very busy machine; a quiet one needs five
SERVICE = """\
title: A thing
driver: raw_exec
count: 3
update: {deadline: 600}
parameters:
  size: {type: integer, default: 3}
  password: {type: text, secret: true, generate: password}
templates: [thing.conf]
"""
JOB = """\
job "[[ service.name ]]" {
  datacenters = ["*"]
  group "[[ service.name ]]" {
    count = [[ service.count ]]
    network {
      mode = "host"
    }
    service {
      name     = "[[ service.name ]]"
      provider = "consul"
    }
    update {
      max_parallel      = 1
      health_check      = "task_states"
      min_healthy_time  = "100ms"
      healthy_deadline  = "[[ service.update.deadline | int ]]s"
      progress_deadline = "24h"
    }
    task "[[ service.name ]]" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "cat local/thing.conf; exec sleep 3600"]
      }
      template {
        destination = "local/thing.conf"
        data        = [[ template("thing.conf") | hcl ]]
        change_mode = "noop"
      }
      template {
        destination = "secrets/password"
        data        = [[ secret("password") | hcl ]]
        change_mode = "noop"
      }
      resources {
        cpu    = 10
        memory = 10
      }
    }
  }
}
"""
CONF = 'size = [[ parameter("size") ]]\n'


class Desk:
    """`robot` carries out what is submitted; `way` is how Nomad reaches Consul."""

    def __init__(self, servers: ConsulServers, nomad: Nomad, way: Way) -> None:
        self.servers, self.nomad, self.way = servers, nomad, way
        self.consul = servers.client()
        self._networks = {NetworkName.MGMT: self.consul}
        cluster = Cluster(
            name="c1",
            networks={NetworkName.MGMT: Network(cidr=IPv4Network("10.0.0.0/24"))},
            nodes=(Node(name=NODE, addresses={NetworkName.MGMT: IPv4Address("10.0.0.1")}),),
        )
        self.consul.kv.put(CLUSTER_KEY, json.dumps(public_inventory(cluster)))
        self.consul.kv.put(NODES + NODE, NodeWish(zone="a").model_dump_json())
        self._stopping, self._over = threading.Event(), threading.Event()
        elector = Elector(servers.client(), OURS, SessionInMemory())
        robot = Robot(
            OURS, {NetworkName.MGMT: servers.client()}, elector, self._another_nomad,
            attends_to=lambda: (),
        )  # fmt: skip

        def elect() -> None:
            while not self._over.is_set():
                elector.step()

        self._threads = [
            threading.Thread(target=work, daemon=True)
            for work in (lambda: robot.run(self._stopping), elect)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._threads[0].join(SECONDS)
        self._over.set()

    def submit(self, kind: str, service: str, **params: Any) -> str:
        """Record a wish as `bob` does; the id of the operation."""
        view = sense(self._networks, self.nomad)
        return submit(self._store, Request(kind, service, params), view, "ann").operation.id

    def deploy(self, service: str, job: str = JOB, text: str = SERVICE) -> str:
        """Wish a service that an operator brings along; nobody has its folder afterwards."""
        texts: Mapping[str, str] = {
            f"{service}/service.yaml": text,
            f"{service}/job.nomad.hcl.j2": job,
            f"{service}/templates/thing.conf": CONF,
        }
        return self.submit("deploy", service, catalogue={service: dict(texts)})

    def ended(self, operation: str) -> Operation:
        """The record of an operation when nothing more happens; `bob op watch` follows it so."""
        *_, last = follow(self.consul, operation, Deadline(SECONDS))
        return last.operation

    def done(self, operation: str) -> Operation:
        """The record of an operation that did what it should."""
        found = self.ended(operation)
        assert found.state is State.DONE, (found.said, found.steps)
        return found

    def look(self, operation: str) -> Operation:
        """Its record now."""
        return self._store.read(operation)[0]

    def live(self, service: str) -> dict[str, Allocation]:
        """The instances that shall run, by id."""
        found = self.nomad.state.allocations(service)
        return {each.id: each for each in found if each.desired == "run" and each.running}

    def catalogue(self) -> Catalogue:
        """Bob's own services, and those that were brought along."""
        return Catalogue().extended(stored_catalogue(self.consul))

    def forget(self, service: str) -> None:
        """Nothing of the service is left."""
        if self.nomad.jobs.get(service):
            self.nomad.jobs.deregister(service, purge=True)
        for operation in self._store.unfinished():
            if operation.target == service:
                self.consul.kv.delete(f"bob/ops/{operation.id}")
        for key in ("bob/active/service/", "bob/services/", "bob/catalogue/", "config/"):
            self.consul.kv.delete(f"{key}{service}", recurse=True)

    @property
    def _store(self) -> ConsulStore:
        return ConsulStore(self.consul)

    def _another_nomad(self) -> Nomad:
        """The robot's own: what it sends is stopped when it no longer leads."""
        http = self.nomad.http
        made = Nomad(http.address)
        made.http._headers, made.http._verify = dict(http._headers), http._verify
        return made
