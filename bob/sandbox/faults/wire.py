"""The wire: copies frames between two interfaces, late and not all of them.

A program of its own (standard library only), started in the switch's network namespace:

    wire.py --delay MS --jitter MS --loss PERCENT A B

It opens both interfaces, prints "ready" and copies until one of them is
deleted or it is killed. Each frame waits `delay` ± `jitter` (uniform) in either direction; with
jitter frames overtake each other, as with netem.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import heapq
import itertools
import random
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator

# linux/if_packet.h; Python's socket module does not name them all
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_PROMISC = 1
PACKET_VNET_HDR = 15  # frames whose checksum or segmentation is left to the NIC keep that mark
PACKET_IGNORE_OUTGOING = 23  # else each end would copy its own frames back
ETH_P_ALL = 3

LARGEST_FRAME = 65536 + 64  # a TCP segment before segmentation, Ethernet and virtio_net headers
BURST = 64  # frames read in a row before the clock is looked at
QUEUE_BYTES = 64 << 20  # more than this under way is dropped, as a real queue would


class End:
    """One interface, and the frames that wait to leave through it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.index = socket.if_nametoindex(name)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        promiscuous = struct.pack("IHH8s", self.index, PACKET_MR_PROMISC, 0, b"")
        self.socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, promiscuous)
        self.socket.bind((name, ETH_P_ALL))
        self.socket.setblocking(False)

    def exists(self) -> bool:
        """False when the interface was deleted, even when another got its name."""
        with contextlib.suppress(OSError):
            return socket.if_nametoindex(self.name) == self.index
        return False

    def received(self) -> Iterator[bytes]:
        """Frames that wait. Raises `OSError` (ENETDOWN) once when the interface was taken down."""
        for _ in range(BURST):
            try:
                yield self.socket.recv(LARGEST_FRAME)
            except BlockingIOError:
                return

    def send(self, frame: bytes) -> None:
        """Send it; an interface that is down or full drops it."""
        with contextlib.suppress(OSError):
            self.socket.send(frame)


class Wire:
    """Two ends and what is under way between them. All times in seconds."""

    def __init__(self, one: End, other: End, delay: float, jitter: float, loss: float) -> None:
        self.ends = {one.socket.fileno(): (one, other), other.socket.fileno(): (other, one)}
        self.delay, self.jitter, self.loss = delay, jitter, loss
        self._queue: list[tuple[float, int, End, bytes]] = []
        self._bytes = 0
        self._count = itertools.count()
        self._random = random.Random()  # noqa: S311 (a lossy cable is not cryptography)

    def copy(self) -> None:
        """Copy until an end is deleted."""
        while True:
            now = time.monotonic()
            while self._queue and self._queue[0][0] <= now:
                _, _, end, frame = heapq.heappop(self._queue)
                self._bytes -= len(frame)
                end.send(frame)
            patience = self._queue[0][0] - now if self._queue else None
            for descriptor in select.select(list(self.ends), [], [], patience)[0]:
                source, sink = self.ends[descriptor]
                try:
                    for frame in source.received():
                        self._accept(frame, sink)
                except OSError as error:
                    if error.errno != errno.ENETDOWN or not source.exists():
                        return

    def _accept(self, frame: bytes, sink: End) -> None:
        if self._random.uniform(0, 100) < self.loss or self._bytes > QUEUE_BYTES:
            return
        late = max(0.0, self.delay + self._random.uniform(-self.jitter, self.jitter))
        self._bytes += len(frame)
        heapq.heappush(self._queue, (time.monotonic() + late, next(self._count), sink, frame))


def main() -> None:
    """Parse the command line, say that the wire is plugged in, copy."""
    parser = argparse.ArgumentParser()
    for number in ("--delay", "--jitter", "--loss"):
        parser.add_argument(number, type=float, required=True)
    parser.add_argument("ends", nargs=2)
    given = parser.parse_args()
    one, other = (End(name) for name in given.ends)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    Wire(one, other, given.delay / 1000, given.jitter / 1000, given.loss).copy()


if __name__ == "__main__":
    main()
