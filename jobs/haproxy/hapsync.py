"""Tell a running haproxy at once which instances pass their checks, without a reload.

Each backend has slots: servers s1, s2, …, in maintenance if they have no instance. This program
changes them over the admin socket of the worker that runs. The file that haproxy reads at a reload
names the same instances; that of a service that is not HTTP names none. No library is used.

    hapsync.py FOLDER        of the admin sockets; the token for Consul is in $CONSUL_TOKEN
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

LOG = logging.getLogger("hapsync")
CONSUL = "127.0.0.1:8500"
WAIT_SECONDS = 30  # how long Consul holds a question when nothing changes
LOOK_SECONDS = 0.2  # how soon a new worker, which may know less than we do, is seen
RETRY_SECONDS = 1.0
MAINTENANCE = 0x01  # of srv_admin_state: nothing is sent to it, it is not checked
SLOT = re.compile(r"s[0-9]+")


class Slot(NamedTuple):
    """A server of a backend as the worker has it."""

    address: str
    port: int
    ready: bool


class Change(NamedTuple):
    """What to do with one slot: give it an instance, or (None) take it out."""

    slot: str
    instance: tuple[str, int] | None


def plan(wanted: Iterable[tuple[str, int]], slots: Mapping[str, Slot]) -> list[Change]:
    """The changes after which exactly the `wanted` instances are in slots. Pure.

    No instance at all changes nothing: haproxy's own checks know better than an empty answer. Who
    comes back gets the slot it had. Instances for which there is no slot are left out.
    """
    instances = sorted({*wanted})
    if not instances:
        return []
    taken = {(s.address, s.port): name for name, s in slots.items() if s.ready}
    gone = sorted(name for target, name in taken.items() if target not in instances)
    doubled = [n for n, s in slots.items() if s.ready and taken[s.address, s.port] != n]
    changes = [Change(name, None) for name in (*gone, *doubled)]
    # Slots that never had an instance come first: one that comes back finds its own.
    free = sorted((n for n, s in slots.items() if not s.ready), key=lambda n: slots[n].port > 1)
    left = [*free, *gone, *doubled]
    before = {(slots[name].address, slots[name].port): name for name in reversed(left)}
    new = [instance for instance in instances if instance not in taken]
    # Those that come back choose first, so that nobody else is put into their slots.
    for instance in sorted(new, key=lambda each: each not in before):
        name = before.get(instance)
        if name not in left:
            name = left[0] if left else None
        if name is not None:
            left.remove(name)
            changes.append(Change(name, instance))
    return changes


def commands(backend: str, change: Change) -> list[str]:
    """What haproxy is told."""
    server = f"{backend}/{change.slot}"
    if change.instance is None:
        return [f"set server {server} state maint"]
    address, port = change.instance
    return [
        f"set server {server} addr {address} port {port}",
        f"set server {server} state ready",
        f"enable health {server}",
    ]


def parse(answer: str) -> dict[str, dict[str, Slot]]:
    """The slots of each backend, from the answer to `show servers state`."""
    lines = answer.splitlines()
    names = next((line.split()[1:] for line in lines if line.startswith("# ")), [])
    found: dict[str, dict[str, Slot]] = {}
    for line in lines:
        fields = dict(zip(names, line.split(), strict=False))
        if len(fields) == len(names) and SLOT.fullmatch(fields.get("srv_name", "")):
            ready = not int(fields["srv_admin_state"]) & MAINTENANCE
            slot = Slot(fields["srv_addr"], int(fields["srv_port"]), ready)
            found.setdefault(fields["be_name"], {})[fields["srv_name"]] = slot
    return found


def tell(path: str, command: str) -> str:
    """haproxy's answer to a command."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(path)
        connection.sendall(f"{command}\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@dataclass
class Watch:
    """What Consul says of the services, each asked by a thread of its own."""

    token: str
    consul: str = CONSUL
    instances: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    changed: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    _asked: set[str] = field(default_factory=set)

    def add(self, services: Iterable[str]) -> None:
        """Watch these too, from now on."""
        for service in {*services} - self._asked:
            self._asked.add(service)
            threading.Thread(target=self._follow, args=(service,), daemon=True).start()

    def _follow(self, service: str) -> None:
        index = 0
        while not self.over.is_set():
            try:
                found, index = self._ask(service, index)
                if found != self.instances.get(service):
                    self.instances[service] = found
                    self.changed.set()
            except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
                LOG.warning("Consul, %s: %s", service, error)  # haproxy goes on as it is
                index = 0
                self.over.wait(RETRY_SECONDS)

    def _ask(self, service: str, index: int) -> tuple[list[tuple[str, int]], int]:
        path = f"/v1/health/service/{service}?passing=1&index={index}&wait={WAIT_SECONDS}s"
        patience = WAIT_SECONDS + 15  # Consul adds up to a sixteenth, and a busy one answers late
        with contextlib.closing(HTTPConnection(self.consul, timeout=patience)) as connection:
            connection.request("GET", path, headers={"X-Consul-Token": self.token})
            answer = connection.getresponse()
            entries = json.load(answer)
            now = int(answer.headers["X-Consul-Index"])
        found = sorted(
            (entry["Service"]["Address"] or entry["Node"]["Address"], entry["Service"]["Port"])
            for entry in entries
        )
        return found, now if now >= index else 0


def synchronise(path: str, watch: Watch) -> None:
    """Make the slots of the worker those of Consul's answers."""
    slots = parse(tell(path, "show servers state"))
    watch.add(slots)
    for backend, have in slots.items():
        for change in plan(watch.instances.get(backend, []), have):
            LOG.info("%s: %s %s", backend, change.slot, change.instance or "out")
            for command in commands(backend, change):
                if said := tell(path, command).strip():
                    LOG.info("%s: %s", command, said)


def attend(path: str, watch: Watch, worker: str | None, changed: bool) -> str | None:
    """Look at one haproxy, whose worker was `worker`: the worker now, None when none answers."""
    try:
        now = "".join(re.findall(r"^Pid: (\d+)", tell(path, "show info"), re.MULTILINE))
        if changed or now != worker:
            synchronise(path, watch)
    except OSError as error:  # haproxy is not there yet, or starts again
        if worker is not None:
            LOG.warning("%s: %s", path, error)
        return None  # whatever was done: it is told everything when it answers
    return now


def main(folder: str) -> None:
    """Run until killed."""
    watch = Watch(os.environ.get("CONSUL_TOKEN", ""))
    workers: dict[str, str | None] = {}
    while True:
        if changed := watch.changed.wait(LOOK_SECONDS):
            watch.changed.clear()
        workers = {
            path: attend(path, watch, workers.get(path, ""), changed)
            for path in sorted(map(str, Path(folder).glob("*.sock")))
        }


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(sys.argv[1])
