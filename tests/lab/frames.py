"""Which frames pass between hosts, by datagrams that are counted one way.

Ping cannot tell the directions apart, and the carrier alone misses a dead switch port.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bob.sandbox.layout import NETWORKS
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

COUNT = 20
SILENCE = 0.15  # seconds without a datagram after which no more are expected
BACK = 30.0  # generous: what comes back takes about a second


@contextlib.contextmanager
def inside(netns: str) -> Iterator[None]:
    """This thread is in another network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", netns).open() as there:
        assert libc.setns(there.fileno(), 0) == 0
        try:
            yield
        finally:
            assert libc.setns(home.fileno(), 0) == 0


@contextlib.contextmanager
def sockets(
    sandbox: Sandbox, source: str, sink: str, network: str
) -> Iterator[tuple[socket.socket, socket.socket]]:
    """One on each host: the receiver, which has an address of that network, and the sender."""
    target = sandbox.node(sink)
    with inside(target.netns):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inside(sandbox.node(source).netns):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((target.addresses[network], 0))
        yield receiver, sender


def arrived(sandbox: Sandbox, source: str, sink: str, network: str, count: int = COUNT) -> int:
    """How many of `count` datagrams from one host reach the other."""
    with sockets(sandbox, source, sink, network) as (receiver, sender):
        receiver.settimeout(SILENCE)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 * count)
        for _ in range(count):
            with contextlib.suppress(OSError):  # no carrier, no route
                sender.sendto(b"x", receiver.getsockname())
        got = 0
        with contextlib.suppress(TimeoutError):
            while got < count:
                receiver.recv(16)
                got += 1
    return got


def seen(sandbox: Sandbox, network: str) -> dict[str, int]:
    """Datagrams between each two hosts."""
    names = [node.name for node in sandbox.nodes]
    return {
        f"{one}>{two}": arrived(sandbox, one, two, network)
        for one in names
        for two in names
        if one != two
    }


ALL = dict.fromkeys(("n1>n2", "n1>n3", "n2>n1", "n2>n3", "n3>n1", "n3>n2"), COUNT)


def lost(*pairs: str) -> dict[str, int]:
    return ALL | dict.fromkeys(pairs, 0)


def wait_until_whole(sandbox: Sandbox, *networks: str) -> None:
    """All frames pass. Also fills the neighbour tables, so that a cut of one direction is one."""
    for network in networks or NETWORKS:
        wait_for(
            lambda network=network: seen(sandbox, network) == ALL,
            what=f"all hosts reach each other on {network}",
            deadline=BACK,
        )


def carrier(sandbox: Sandbox, node: str, network: str) -> bool:
    host = sandbox.node(node)
    command = ["ip", "-n", host.netns, "-json", "link", "show", host.interface(network)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "NO-CARRIER" not in json.loads(answer)[0]["flags"]


def one_way(sandbox: Sandbox, source: str, sink: str, count: int = 20) -> list[float]:
    """Milliseconds that each datagram on the tenant network takes, with the address known."""
    with sockets(sandbox, source, sink, "tenant") as (receiver, sender):
        receiver.settimeout(5)
        sender.sendto(b"", receiver.getsockname())  # asks for the neighbour's address first
        receiver.recv(64)
        for _ in range(count):
            sender.sendto(repr(time.monotonic()).encode(), receiver.getsockname())
        return [1000 * (-float(receiver.recv(64)) + time.monotonic()) for _ in range(count)]
