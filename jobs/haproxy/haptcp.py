"""Run a haproxy of its own for each service that is not HTTP, and never reload one of them.

After a reload the old worker goes on with its connections but no longer checks its servers: a
connection to a database would stay with an instance that failed, and end with that worker. So each
service has a process whose servers are changed over its admin socket alone, by hapsync, and what
happens to other services does not touch it. It stands alone on the host: no library.

    haptcp.py LIST CONFIG SOCKETS

LIST has a line for each service, "name address:port", and is read whenever it changes. CONFIG is
what each haproxy reads, with SERVICE, DOOR and ADMIN_SOCKET in the environment. SOCKETS is the
folder of the admin sockets.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

LOG = logging.getLogger("haptcp")
LOOK_SECONDS = 0.2  # how soon a new service, or a process that ended, is seen
RETRY_SECONDS = 1.0  # between the end of a process and its next start
GONE_SECONDS = 30.0  # a service may be missing in Consul so long before its connections are cut
STOP_SECONDS = 5.0


class Changes(NamedTuple):
    """Services whose haproxy is stopped, and then those whose haproxy is started."""

    stop: tuple[str, ...]
    start: tuple[str, ...]


def read(text: str) -> dict[str, str]:
    """The door ("address:port") of each service. A door belongs to the first that names it."""
    doors: dict[str, str] = {}
    for words in (line.split() for line in text.splitlines()):
        if len(words) == 2 and words[1] not in doors.values():
            doors[words[0]] = words[1]
    return doors


def plan(
    wanted: Mapping[str, str], running: Mapping[str, str], since: Mapping[str, float], now: float
) -> Changes:
    """What makes the processes those of the `wanted` doors; both are doors by service. Pure.

    `since` tells when a service went whose process runs, or when a process ended by itself.
    """
    taken = {*wanted.values()}
    stop = tuple(
        name
        for name, door in running.items()
        if wanted.get(name, door) != door
        or (name not in wanted and (door in taken or now - since[name] >= GONE_SECONDS))
    )
    start = tuple(
        name
        for name in wanted
        if (name not in running or name in stop)
        and now - since.get(name, -math.inf) >= RETRY_SECONDS
    )
    return Changes(stop, start)


@dataclass
class Processes:
    """The haproxy of each service, by name."""

    config: Path
    sockets: Path
    doors: dict[str, str] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def look(self, wanted: Mapping[str, str], now: float) -> None:
        """Notice who ended and who went, and make the processes those of `wanted`."""
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                LOG.warning("%s: haproxy ended with %s", name, process.returncode)
                self._forget(name)
                self._since[name] = now
            elif name in wanted:
                self._since.pop(name, None)
            else:
                self._since.setdefault(name, now)
        changes = plan(wanted, self.doors, self._since, now)
        for name in changes.stop:
            self.stop(name)
        for name in changes.start:
            self._start(name, wanted[name])

    def stop(self, name: str) -> None:
        """End the haproxy of a service, and every connection through it."""
        LOG.info("%s: no longer at %s", name, self.doors[name])
        process = self._running[name]
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._forget(name)
        self._since.pop(name, None)

    def _start(self, name: str, door: str) -> None:
        LOG.info("%s: at %s", name, door)
        # Not our whole environment: a token for Consul is in it.
        environment = {
            "PATH": os.environ["PATH"],
            "SERVICE": name,
            "DOOR": door,
            "ADMIN_SOCKET": str(self._socket(name)),
        }
        self._running[name] = subprocess.Popen(
            ["haproxy", "-db", "-f", str(self.config)], env=environment
        )
        self.doors[name] = door

    def _forget(self, name: str) -> None:
        del self._running[name], self.doors[name]
        self._socket(name).unlink(missing_ok=True)

    def _socket(self, name: str) -> Path:
        return self.sockets / f"tcp-{name}.sock"


def main(file: Path, config: Path, sockets: Path, over: threading.Event) -> None:
    """Run until `over`; then every connection ends, as the host is left."""
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    processes = Processes(config, sockets)
    try:
        while not over.wait(LOOK_SECONDS):
            processes.look(read(file.read_text()), time.monotonic())
    finally:
        for name in list(processes.doors):
            processes.stop(name)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    main(*map(Path, sys.argv[1:4]), ended)
