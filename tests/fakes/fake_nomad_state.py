"""A Nomad of any size in memory: jobs, nodes, and instances that are healthy after a moment.

It follows the real servers where Bob relies on them (tests/contract/nomad): versions and indexes of
jobs, what a change does to running instances, draining, nodes that die. Every group spreads over
distinct hosts. Time passes by the clock that is given; nothing happens in the background, so each
look first does what is due.
"""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

KEPT_VERSIONS = 6  # of a job; as many as Nomad remembers
KEPT = 8  # finished instances of a job that can still be seen

Job = dict[str, Any]


@dataclass
class Host:
    """A client node. `drain_until` is set while it is drained."""

    name: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    address: str = "127.0.0.1"
    status: str = "ready"
    eligible: bool = True
    drain_until: float | None = None
    drivers: frozenset[str] = frozenset({"docker", "raw_exec"})

    @property
    def open(self) -> bool:
        return self.status == "ready" and self.eligible and self.drain_until is None


@dataclass
class Instance:
    """An allocation. `ended` is how it ended: complete or lost."""

    job: str
    group: str
    host: Host
    version: int
    starts: float
    index: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    ended: str = ""


class Fleet:
    """Thread-safe. `start` is how many seconds an instance takes to run and be healthy."""

    def __init__(self, hosts: Iterable[str], now: Callable[[], float], start: float = 0.05) -> None:
        self.lock = threading.RLock()
        self.now = now
        self.start = start
        self.hosts = {host.id: host for host in map(Host, hosts)}
        self.jobs: dict[str, Job] = {}
        self.versions: dict[str, list[Job]] = defaultdict(list)  # the newest last
        self.index = 10
        self.broken: set[str] = set()  # jobs whose new instances never become healthy
        self.sick: dict[str, set[int]] = {}  # versions of jobs whose instances are unhealthy
        self.late: set[str] = set()  # jobs whose instances serve only since Nomad gave them up
        self._of_job: dict[str, list[Instance]] = defaultdict(list)
        self._on_host: dict[str, set[str]] = defaultdict(set)  # jobs that live on a host
        self._short: set[str] = set()  # jobs that want more instances than they have

    def host(self, name: str) -> Host:
        """The newest host of a name."""
        return [host for host in self.hosts.values() if host.name == name][-1]

    def set_status(self, name: str, status: str) -> None:
        """Let a host die or come back. What ran on a host that is down is lost."""
        with self.lock:
            host = self.host(name)
            host.status = status
            if status == "down":
                for instance in self._live_on(host):
                    self._end(instance, "lost")

    def reinstall(self, name: str) -> Host:
        """The host comes back with another id; the old one stays known as down."""
        with self.lock:
            self.set_status(name, "down")
            new = Host(name)
            self.hosts[new.id] = new
            return new

    def settle(self) -> None:
        """Do what is due."""
        for host in self.hosts.values():
            if host.drain_until is not None:
                self._drain(host)
        for name in tuple(self._short):
            self._place(name)

    def instances(self, job: str) -> list[Instance]:
        """Those of a job, the newest last."""
        return self._of_job[job]

    def on_host(self, node: str) -> list[Instance]:
        """Those of a host that live, and what is left of their jobs' earlier ones there."""
        return [i for job in self._on_host[node] for i in self._of_job[job] if i.host.id == node]

    def status(self, instance: Instance) -> str:
        """Its client status."""
        return instance.ended or ("running" if self.now() >= instance.starts else "pending")

    def healthy(self, instance: Instance) -> bool | None:
        """What the deployment found."""
        if instance.ended or self.now() < instance.starts or instance.job in self.broken:
            return None
        sick = instance.version in self.sick.get(instance.job, ())
        return not sick and instance.job not in self.late

    def passing(self, instance: Instance) -> bool:
        """What its checks say now."""
        found = self.healthy(instance)
        return found is not None and (found or instance.job in self.late)

    def count(self, job: str) -> int:
        """Wished instances; 0 for a job that is stopped."""
        found = self.jobs.get(job)
        if found is None or found["Stop"]:
            return 0
        return sum(group["Count"] for group in found["TaskGroups"])

    def live(self, job: str) -> list[Instance]:
        """Those that have not ended."""
        return [instance for instance in self._of_job[job] if not instance.ended]

    def room(self, job: str) -> list[Host]:
        """Hosts that could take an instance of a job and have none, the emptiest first."""
        taken = {instance.host.id for instance in self.live(job)}
        drivers = set(self.jobs[job]["Drivers"]) if job in self.jobs else set()
        fit = [h for h in self.hosts.values() if h.open and h.id not in taken]
        return sorted(
            (host for host in fit if drivers <= host.drivers),
            key=lambda host: len(self._on_host[host.id]),
        )

    def put(self, job: Job, changed: bool, replaced: bool) -> None:
        """Take a registration over; instances are replaced, kept, added or ended."""
        self.index += 1
        name, known = job["ID"], self.jobs.get(job["ID"])
        version = 0 if known is None else known["Version"] + changed
        self.jobs[name] = job | {"Version": version, "JobModifyIndex": self.index}
        older = [each for each in self.versions[name] if each["Version"] != version]
        self.versions[name] = [*older, self.jobs[name]][-KEPT_VERSIONS:]
        for instance in self.live(name):
            if replaced:
                self._end(instance, "complete")
            else:
                instance.version = version
        for instance in self.live(name)[self.count(name) :]:
            self._end(instance, "complete")
        self._place(name)

    def forget(self, job: str) -> None:
        """Purge a job."""
        for instance in self.live(job):
            self._end(instance, "complete")
        self.jobs.pop(job, None)
        self.versions.pop(job, None)
        self._of_job.pop(job, None)
        self._short.discard(job)

    def _place(self, job: str) -> None:
        lacking = self.count(job) - len(self.live(job))
        for host in self.room(job)[: max(lacking, 0)] if lacking > 0 else ():
            found = self.jobs[job]
            self.index += 1
            group = found["TaskGroups"][0]["Name"]
            made = Instance(job, group, host, found["Version"], self.now() + self.start, self.index)
            over = [instance for instance in self._of_job[job] if instance.ended]
            self._of_job[job] = [*over[-KEPT:], *self.live(job), made]
            self._on_host[host.id].add(job)
            lacking -= 1
        (self._short.add if lacking > 0 else self._short.discard)(job)

    def _end(self, instance: Instance, how: str) -> None:
        instance.ended = how
        self.index += 1
        self._on_host[instance.host.id].discard(instance.job)
        if self.count(instance.job) > len(self.live(instance.job)):
            self._short.add(instance.job)

    def _live_on(self, host: Host) -> list[Instance]:
        return [
            instance
            for job in tuple(self._on_host[host.id])
            for instance in self.live(job)
            if instance.host.id == host.id
        ]

    def _drain(self, host: Host) -> None:
        """An instance goes when all others of its job are up, or when time is over."""
        assert host.drain_until is not None
        for instance in self._live_on(host):
            others = [i for i in self.live(instance.job) if i is not instance and self.healthy(i)]
            up = len(others) >= self.count(instance.job) - 1
            if up or self.now() >= host.drain_until:
                self._end(instance, "complete")
                self._place(instance.job)
        if not self._live_on(host):
            host.drain_until = None
