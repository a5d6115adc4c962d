"""Knows the NICs of the networks: looks when the kernel tells of a change, and now and then."""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from bob.daemon.parts import Beat
from healthcheck.config import OwnNetwork
from healthcheck.node.children import Children
from healthcheck.node.facts import Leg, Nic

RTMGRP_LINK, RTMGRP_IPV4_IFADDR = 0x1, 0x10  # groups of messages, see rtnetlink(7)
NETLINK_ROUTE = 0
CHILD_SECONDS = 15.0
WAIT_SECONDS = 1.0
PATIENCE = 60.0
BUFFER = 65536
HEAD = struct.Struct("=IHHII")  # of a message: its length first, see netlink(7)
INDEX = struct.Struct("=4xi")  # of what follows for links and for addresses: which NIC it is about
ALIGNED = 4
# The program's folder is found like our own: on a node nothing is installed where Python looks.
START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module('healthcheck.node.links', run_name='__main__')"
)


class LinkWatch:
    """`on_change` is called when the kernel tells of a change of one of our NICs."""

    def __init__(
        self,
        networks: Sequence[OwnNetwork],
        children: Children,
        on_change: Callable[[], None],
    ) -> None:
        self._networks = tuple(networks)
        self._children = children
        self._on_change = on_change
        self._own: frozenset[int] | None = None  # None: whatever changes may be ours

    def sense(self) -> Mapping[str, Nic | None]:
        """The NIC of each network now. Raises `BobError` or `ValueError`."""
        argv = [sys.executable, "-I", "-S", "-c", START, json.dumps(sys.path)]
        ended = self._children.run("netlink", argv, CHILD_SECONDS)
        if ended.code:
            raise ValueError(f"the program that asks for the NICs ended with {ended.code}")
        links = json.loads(ended.output)
        found = nics_of(links, {net.name: net.address for net in self._networks})
        self._own = None if None in found.values() else _indexes(links, found)
        return found

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Listen to the kernel until `stop` is set."""
        with socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_ROUTE
        ) as kernel:
            kernel.bind((0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR))
            while not stop.is_set():
                beat(PATIENCE)
                if select.select([kernel], [], [], WAIT_SECONDS)[0] and self._concerns_us(kernel):
                    self._on_change()

    def _concerns_us(self, kernel: socket.socket) -> bool:
        try:
            told = frozenset(indexes_in(kernel.recv(BUFFER)))
        except OSError:  # ENOBUFS: more has changed than fits
            return True
        return self._own is None or not told.isdisjoint(self._own)


def indexes_in(content: bytes) -> Iterator[int]:
    """Which NICs the messages of one datagram are about."""
    at = 0
    while at + HEAD.size + INDEX.size <= len(content):
        length = HEAD.unpack_from(content, at)[0]
        yield INDEX.unpack_from(content, at + HEAD.size)[0]
        at += max(length + -length % ALIGNED, HEAD.size)


def _indexes(
    links: Sequence[Mapping[str, object]], nics: Mapping[str, Nic | None]
) -> frozenset[int]:
    """Our NICs, and the legs of those that are bonds."""
    names = {name for nic in nics.values() if nic for name in (nic.name, *_legs(nic))}
    return frozenset(int(str(link["index"])) for link in links if link["name"] in names)


def _legs(nic: Nic) -> tuple[str, ...]:
    return tuple(leg.name for leg in nic.legs)


def nics_of(
    links: Sequence[Mapping[str, object]], addresses: Mapping[str, str]
) -> Mapping[str, Nic | None]:
    """The NIC that has each network's address; None where no NIC has it."""
    found: dict[str, Nic | None] = {}
    for network, address in addresses.items():
        own = next((link for link in links if address in _list(link["addresses"])), None)
        if own is None:
            found[network] = None
            continue
        found[network] = Nic(
            name=str(own["name"]),
            on=bool(own["on"]),
            carrier=bool(own["carrier"]),
            changes=int(str(own["changes"])),
            legs=tuple(
                Leg(str(link["name"]), bool(link["carrier"]))
                for link in links
                if link["leg"] and link["master"] == own["index"]
            ),
        )
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
