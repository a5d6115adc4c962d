"""Whether Consul and Nomad have leaders, looked at all the time while something else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product

from end_state import consul, nomad
from ghosts import consul_of
from harness import Lab

from bob.clients.consul import Consul
from bob.clients.quorum import AutopilotHealth
from bob.errors import BobError
from bob.waiting import wait_for
from inventory import NetworkName

WITHOUT_LEADER = 20.0  # seconds that an election may take on a loaded machine; 2 to 4 are usual


def led(lab: Lab) -> bool:
    try:
        return bool(consul(lab).leader() and nomad(lab).leader())
    except BobError:
        return False


def judgements(lab: Lab) -> list[AutopilotHealth]:
    """Of the leader of every raft. Raises `BobError` when one cannot be asked."""
    networks = [consul(lab, network).operator.autopilot() for network in NetworkName]
    return [*networks, nomad(lab).operator.autopilot()]


def pass_around(lab: Lab, servers: Iterable[str]) -> None:
    """Have every agent of these servers ask for the lead, on each network, and get it.

    The request goes by gRPC to a server of the agent's choice: one that has gone, and that it did
    not hear of, would be asked for minutes.
    """
    for network, name in product(NetworkName, servers):
        client = consul_of(lab, name, network)
        peer = next(peer for peer in client.operator.raft().peers if peer.name == name)
        if peer.leader:
            continue
        client.operator.transfer_leadership(peer.id)
        wait_for(
            partial(_leads, client, name), what=f"{name} leads {network}", deadline=WITHOUT_LEADER
        )


@contextmanager
def watched(lab: Lab) -> Iterator[list[float]]:
    """Look for leaders all the time; the list has the seconds of each time without one."""
    gaps, since = [0.0], [0.0]

    def look() -> None:
        now = time.monotonic()
        since[0] = 0.0 if led(lab) else since[0] or now
        gaps.append(now - since[0] if since[0] else 0.0)

    with repeated(look):
        yield gaps


def _leads(client: Consul, name: str) -> bool:
    try:
        leader = client.operator.raft().leader
    except BobError:
        return False
    return leader is not None and leader.name == name


@contextmanager
def repeated(look: Callable[[], object]) -> Iterator[None]:
    """Look at once, and then three times a second, until the block ends."""
    over = threading.Event()

    def run() -> None:
        look()
        while not over.wait(0.3):
            look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)
