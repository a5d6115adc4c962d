"""The HTTP entry under load: instances come and go, and a host of the shared address dies.

Figures are printed next to their goals. A busy machine is slower: the load is printed, too.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from end_state import consul
from harness import Lab

import bob.sandbox
from bob.clients.consul import Consul
from bob.waiting import pause, wait_for

NAME = "bench-entry"
CHANGES = 100
EVERY = 0.3  # seconds between two changes
QUIET_SECONDS = 20.0
CALLERS = 6
PATIENCE = 180.0
ROUNDS = 3
EXTRA = {"ID": "extra", "Name": "demo", "Port": 19000, "Tags": ["routed-by-haproxy"]}
SERVE = "mkdir -p /tmp/www && cd /tmp/www && setsid python3 -m http.server 19000 >/dev/null 2>&1 &"


def main() -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as state:
        sandbox = bob.sandbox.up(NAME, 3)
        try:
            lab = Lab(sandbox, Path(state))
            lab.init()
            view = json.loads(lab.bob("deploy", "demo", "--yes", "-o", "json").stdout)
            (entry,) = (each for each in view["services"] if each["name"] == "haproxy")
            changes(lab, [instance["address"] for instance in entry["instances"]])
            moves(lab)
        finally:
            bob.sandbox.down(NAME)


@dataclass
class Load:
    """Requests by some threads, each on a connection of its own, until `stop`."""

    urls: list[str]
    callers: int = CALLERS
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    answered: float = 0.0  # when the last good answer came
    longest: float = 0.0  # between two good answers
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> Load:
        self.answered = time.monotonic()
        for number in range(self.callers):
            url = self.urls[number % len(self.urls)]
            self._threads.append(threading.Thread(target=self._call, args=(url,)))
            self._threads[-1].start()
        return self

    def stop(self) -> Load:
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self

    def _call(self, url: str) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                requests.get(url, timeout=(0.3, 3)).raise_for_status()
            except requests.RequestException as error:
                self.failed.append(str(error))
            else:
                now = time.monotonic()
                self.seconds.append(now - began)
                self.longest, self.answered = max(self.longest, now - self.answered), now
            pause(0.01)

    def p99(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000


def changes(lab: Lab, entries: list[str]) -> None:
    """An instance comes and goes; goal: no request fails, p99 at most twice that of quiet."""
    node = lab.sandbox.nodes[-1]
    lab.on(node.name, SERVE)
    urls = [f"http://{entry}/demo/" for entry in entries]
    quiet = Load(urls).start()
    pause(QUIET_SECONDS)
    quiet.stop()
    client = consul(lab)
    busy = Load(urls).start()
    for number in range(CHANGES):
        change(client, node.addresses["mgmt"], comes=number % 2 == 0)
        pause(EVERY)
    busy.stop()
    show(f"{CHANGES} changes: failed of {len(busy.seconds)}", len(busy.failed), "0")
    show("p99 in quiet, ms", quiet.p99(), "")
    show("p99 during changes, ms", busy.p99(), f"<= {2 * quiet.p99():.0f}")


def change(client: Consul, address: str, *, comes: bool) -> None:
    """Register or take away the instance that is no job."""
    if comes:
        body = {**EXTRA, "Address": address}
        client.http.request("PUT", "/v1/agent/service/register", body=body)
    else:
        client.http.request("PUT", "/v1/agent/service/deregister/extra")


def moves(lab: Lab) -> None:
    """The host that has the shared address loses power; goal: a second without answers."""
    shared = lab.sandbox.layout.shared_address
    lab.bob("deploy", "keepalived", "--yes")
    lab.bob("scale", "haproxy", "3", "--yes")
    lab.bob("scale", "keepalived", "3", "--yes")
    lab.bob("config", "set", "keepalived", f"address={shared}", "--yes")
    url = f"http://{shared}:8080/demo/"
    for _ in range(ROUNDS):
        wait_for(lambda: len(holders(lab, shared)) == 1, what="one holder", deadline=PATIENCE)
        wait_for(lab.healthy, what="healthy", deadline=PATIENCE)
        (holder,) = holders(lab, shared)
        load = Load([url], callers=2).start()
        pause(2)
        load.longest = 0.0
        lab.sandbox.bmc(holder).power("off")
        pause(5)
        load.stop()
        show("shared address without an answer, s", load.longest, "<= 1")
        lab.sandbox.bmc(holder).power("on")


def holders(lab: Lab, shared: str) -> set[str]:
    """The nodes that have the address now."""
    look = f"ip -4 -oneline address show to {shared}"
    return {node.name for node in lab.sandbox.nodes if lab.on(node.name, look, check=False).strip()}


def show(what: str, figure: float, goal: str) -> None:
    """One line: what, figure, goal, load of the machine."""
    print(f"{what:45} {figure:8.2f}   {goal:10} load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
