"""A Nomad client over a fleet in memory, with the interface that Bob uses of the real one.

`FakeCatalog` shows the same instances as Consul would, all their checks passing.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fake_nomad_state import Fleet, Instance

from bob.clients.consul import Catalog, Check, ServiceInstance
from bob.clients.http import Refused
from bob.clients.nomad import (
    Allocation,
    Deployment,
    Jobs,
    JobState,
    Node,
    Nodes,
    Nomad,
    Plan,
    Registration,
    Rollouts,
    Server,
    State,
    TaskEvent,
    Variable,
    Variables,
)
from bob.clients.quorum import (
    AutopilotHealth,
    AutopilotServer,
    Operator,
    RaftConfiguration,
    RaftPeer,
)


class Line:
    """What stands for the connection. `before_write` as in the real one."""

    def __init__(self) -> None:
        self.before_write: Callable[[], object] = lambda: None


class FakeNomad(Nomad):
    """`servers` are names of nodes; the first one leads."""

    def __init__(self, fleet: Fleet, servers: tuple[str, ...] = ("n1", "n2", "n3")) -> None:
        self.fleet = fleet
        self.http = Line()  # type: ignore[assignment]
        self.jobs = FakeJobs(fleet, self.http)  # type: ignore[arg-type]
        self.state = FakeState(fleet, servers)
        self.nodes = FakeNodes(fleet, self.http)  # type: ignore[arg-type]
        self.rollouts = FakeRollouts(fleet)
        self.operator = FakeOperator(servers)
        self.variables = FakeVariables()

    def leader(self) -> str:
        return "127.0.0.1:4647"


class FakeJobs(Jobs):
    def __init__(self, fleet: Fleet, line: Line) -> None:
        self._fleet = fleet
        self._line = line

    def get(self, job: str, *, namespace: str = "default") -> dict[str, Any] | None:
        with self._fleet.lock:
            found = self._fleet.jobs.get(job)
            return copy.deepcopy(found)

    def versions(self, job: str, *, namespace: str = "default") -> tuple[dict[str, Any], ...]:
        with self._fleet.lock:
            return tuple(copy.deepcopy(self._fleet.versions.get(job, [])[::-1]))

    def parse(self, text: str, variables: str = "") -> dict[str, Any]:
        """Only what the fake needs of a job; the rest of the text stands for its definition."""
        job = re.search(r'^job "([^"]+)"', text, re.MULTILINE)
        if job is None:
            raise Refused("no job in it", status=HTTPStatus.BAD_REQUEST)
        groups = re.findall(r'^ +group "([^"]+)" \{(.*?\n  +count += +(\d+))?', text, re.M | re.S)
        type_ = re.search(r'^  type += "([a-z]+)"', text, re.MULTILINE)
        return {
            "ID": job[1],
            "Name": job[1],
            "Namespace": "default",
            "Type": type_[1] if type_ else "service",
            "Stop": False,
            "Meta": None,
            "TaskGroups": [{"Name": name, "Count": int(count or 1)} for name, _, count in groups],
            "Drivers": sorted(set(re.findall(r'driver += "([a-z_]+)"', text))),
            "Definition": re.sub(r"count += +\d+", "", text),
        }

    def plan(self, job: Mapping[str, Any]) -> Plan:
        with self._fleet.lock:
            self._fleet.settle()
            known = self._fleet.jobs.get(job["ID"])
            fields = [
                {"Type": "Edited", "Name": name, "Old": str(known[name]), "New": str(job[name])}
                for name in ("Stop", "Meta", "Definition", "TaskGroups")
                if known and known[name] != job[name]
            ]
            kind = "Added" if known is None else "Edited" if fields else "None"
            live = len(self._fleet.live(job["ID"]))
            updates, unplaced = self._outlook(job, known, live)
            return Plan(
                kind, {"Type": kind, "Fields": fields}, {_main(job): updates}, unplaced, "",
                known["JobModifyIndex"] if known else 0,
            )  # fmt: skip

    def register(self, job: Mapping[str, Any], index: int | None = None) -> Registration:
        self._line.before_write()
        with self._fleet.lock:
            known = self._fleet.jobs.get(job["ID"])
            if index is not None and index != (known["JobModifyIndex"] if known else 0):
                raise Refused(
                    f"job {job['ID']} was changed by someone else", status=HTTPStatus.CONFLICT
                )
            changed = known is not None and _changed(known, job)
            self._fleet.put(copy.deepcopy(dict(job)), changed, _replaces(known, job))
            found = self._fleet.jobs[job["ID"]]
            return Registration("evaluation", found["JobModifyIndex"], "")

    def deregister(
        self, job: str, *, purge: bool = False, namespace: str = "default"
    ) -> Registration:
        self._line.before_write()
        with self._fleet.lock:
            known = self._fleet.jobs.get(job)
            if known is None:
                raise Refused("job not found", status=HTTPStatus.NOT_FOUND)
            if not known["Stop"]:
                self._fleet.put(known | {"Stop": True}, True, replaced=False)
            if purge:
                self._fleet.forget(job)
            return Registration("evaluation", self._fleet.index, "")

    def _outlook(
        self, job: Mapping[str, Any], known: Mapping[str, Any] | None, live: int
    ) -> tuple[dict[str, int], dict[str, Any]]:
        wanted = sum(group["Count"] for group in job["TaskGroups"])
        replaced = live if _replaces(known, job) else 0
        kept = min(live, wanted) - min(replaced, wanted)
        updates = {
            "Place": max(wanted - live, 0),
            "Stop": max(live - wanted, 0),
            "DestructiveUpdate": min(replaced, wanted),
            "InPlaceUpdate": kept if known is None or _changed(known, job) else 0,
        }
        drivers = set(job["Drivers"])
        fit = [h for h in self._fleet.hosts.values() if h.open and drivers <= h.drivers]
        short = wanted - max(len(fit), live)
        if short <= 0:
            return updates, {}
        reasons = {
            "NodesEvaluated": len(self._fleet.hosts),
            "ConstraintFiltered": {"distinct_hosts": len(fit)},
            "CoalescedFailures": short - 1,
        }
        return updates, {_main(job): reasons}


class FakeState(State):
    def __init__(self, fleet: Fleet, servers: tuple[str, ...]) -> None:
        self._fleet = fleet
        self._servers = servers

    def servers(self) -> tuple[Server, ...]:
        return tuple(Server(name, "127.0.0.1", "alive") for name in self._servers)

    def nodes(self, *, stale: bool = False) -> tuple[Node, ...]:
        with self._fleet.lock:
            self._fleet.settle()
            return tuple(
                Node(
                    id=host.id, name=host.name, address=host.address, status=host.status,
                    eligible=host.eligible, draining=host.drain_until is not None,
                    drivers=host.drivers,
                )
                for host in self._fleet.hosts.values()
            )  # fmt: skip

    def host_volumes(self) -> tuple[tuple[str, str], ...]:
        return ()

    def job_states(self, *, namespace: str = "*", stale: bool = False) -> tuple[JobState, ...]:
        with self._fleet.lock:
            self._fleet.settle()
            return tuple(
                JobState(
                    id=name, namespace="default", name=name, type=job["Type"],
                    stopped=job["Stop"], desired=sum(g["Count"] for g in job["TaskGroups"]),
                    allocations=tuple(map(self._allocation, self._fleet.instances(name))),
                    version=job["Version"],
                )
                for name, job in self._fleet.jobs.items()
            )  # fmt: skip

    def allocations(self, job: str, *, namespace: str = "default") -> tuple[Allocation, ...]:
        with self._fleet.lock:
            self._fleet.settle()
            return tuple(map(self._allocation, self._fleet.instances(job)))

    def _allocation(self, instance: Instance) -> Allocation:
        return allocation(self._fleet, instance)


class FakeNodes(Nodes):
    def __init__(self, fleet: Fleet, line: Line) -> None:
        self._fleet = fleet
        self._line = line

    def drain(self, node: str, seconds: float) -> None:
        self._line.before_write()
        with self._fleet.lock:
            host = self._fleet.hosts[node]
            host.eligible = False
            host.drain_until = self._fleet.now() + seconds

    def end_drain(self, node: str, *, eligible: bool) -> None:
        self._line.before_write()
        with self._fleet.lock:
            host = self._fleet.hosts[node]
            host.drain_until = None
            host.eligible = host.eligible or eligible

    def set_eligible(self, node: str, eligible: bool) -> None:
        self._line.before_write()
        with self._fleet.lock:
            self._fleet.hosts[node].eligible = eligible

    def purge(self, node: str) -> None:
        self._line.before_write()
        with self._fleet.lock:
            self._fleet.hosts.pop(node)

    def allocations(self, node: str) -> tuple[Allocation, ...]:
        with self._fleet.lock:
            self._fleet.settle()
            found = self._fleet.on_host(node)
            return tuple(allocation(self._fleet, instance) for instance in found)


class FakeRollouts(Rollouts):
    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def deployment(self, job: str, *, namespace: str = "default") -> Deployment | None:
        with self._fleet.lock:
            self._fleet.settle()
            found = self._fleet.jobs.get(job)
            if found is None:
                return None
            healthy = sum(bool(self._fleet.healthy(i)) for i in self._fleet.live(job))
            status = "successful" if healthy >= self._fleet.count(job) else "running"
            return Deployment(found["Version"], status, f"Deployment is {status}")

    def events(self, job: str, *, namespace: str = "default") -> tuple[TaskEvent, ...]:
        with self._fleet.lock:
            self._fleet.settle()
            return tuple(
                TaskEvent(each.id, each.host.name, job, "Task started by client")
                for each in sorted(self._fleet.live(job), key=lambda each: each.host.name)
            )

    def stderr(self, allocation: str, task: str) -> str:
        return ""


class FakeVariables(Variables):
    def __init__(self) -> None:
        self._found: dict[str, Variable] = {}
        self._index = 0

    def get(self, path: str, *, namespace: str = "default") -> Variable | None:
        return self._found.get(path)

    def put(
        self,
        path: str,
        items: Mapping[str, str],
        *,
        cas: int | None = None,
        namespace: str = "default",
    ) -> bool:
        found = self._found.get(path)
        if cas is not None and cas != (found.modify_index if found else 0):
            return False
        self._index += 1
        self._found[path] = Variable(path, dict(items), self._index)
        return True


class FakeOperator(Operator):
    """All servers are sound voters."""

    def __init__(self, servers: tuple[str, ...]) -> None:
        self._servers = servers

    def raft(self, *, stale: bool = False) -> RaftConfiguration:
        return RaftConfiguration(
            tuple(
                RaftPeer(f"id-{name}", name, "127.0.0.1:4647", True, name == self._servers[0])
                for name in self._servers
            )
        )

    def autopilot(self) -> AutopilotHealth:
        servers = tuple(
            AutopilotServer(f"id-{n}", n, True, True, n == self._servers[0], "2020-01-01T00:00:00Z")
            for n in self._servers
        )
        return AutopilotHealth(True, (len(servers) - 1) // 2, servers)


class FakeCatalog(Catalog):
    """The instances of a fleet as Consul shows them; nothing else is in it."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def service(self, name: str, *, stale: bool = False) -> tuple[ServiceInstance, ...]:
        with self._fleet.lock:
            self._fleet.settle()
            return tuple(
                ServiceInstance(
                    i.host.name, _service_id(i), name, i.host.address, 80, (), (self._check(i),)
                )
                for i in self._fleet.live(name)
                if self._fleet.passing(i)
            )

    def checks(self, *, stale: bool = False) -> tuple[Check, ...]:
        with self._fleet.lock:
            self._fleet.settle()
            return tuple(self._check(i) for job in self._fleet.jobs for i in self._fleet.live(job))

    def _check(self, instance: Instance) -> Check:
        status = "passing" if self._fleet.passing(instance) else "critical"
        return Check(
            instance.host.name, "check", "check", status, "", _service_id(instance), instance.job
        )


def _service_id(instance: Instance) -> str:
    return f"_nomad-task-{instance.id}-group-{instance.group}-{instance.job}"


def allocation(fleet: Fleet, instance: Instance) -> Allocation:
    """An instance as the API shows it."""
    job = fleet.jobs.get(instance.job)
    return Allocation(
        id=instance.id,
        group=instance.group,
        node_id=instance.host.id,
        status=fleet.status(instance),
        healthy=fleet.healthy(instance),
        version=instance.version,
        node_name=instance.host.name,
        desired="stop" if instance.ended else "run",
        modify_index=instance.index,
        job=instance.job,
        job_type=job["Type"] if job else "service",
    )


def _changed(known: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    parts = ("Stop", "Meta", "Definition", "TaskGroups")
    return any(known[part] != job[part] for part in parts)


def _replaces(known: Mapping[str, Any] | None, job: Mapping[str, Any]) -> bool:
    return known is not None and any(known[part] != job[part] for part in ("Meta", "Definition"))


def _main(job: Mapping[str, Any]) -> str:
    return str(job["TaskGroups"][0]["Name"])
