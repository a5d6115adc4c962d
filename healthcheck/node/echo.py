"""Asks the neighbours on every network, from the NIC of that network: do you hear me, how late is
it with you?

Gossip tells who is alive by the word of any member; this is our own way to each of them, there and
back. A question and its answer are 32 bytes: a mark, a number that the answer repeats, and in the
answer the time of the neighbour's clock. Who answers tells nothing else and remembers nothing.
"""

from __future__ import annotations

import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from bob import logs
from bob.daemon.parts import Beat
from bob.waiting import Deadline
from healthcheck.config import OwnNetwork
from healthcheck.node.facts import Echo

QUESTION, ANSWER = b"bob-echo?", b"bob-echo!"
FORM = struct.Struct("!9s15sd")  # mark, number, seconds since 1970
NUMBER_BYTES = 15
TRIES, TRY_SECONDS = 3, 0.4  # a single datagram may get lost on a good network, three do not
WAIT_SECONDS = 1.0
PATIENCE = 60.0

Asked = Mapping[tuple[str, str], str]
"""Addresses of neighbours, by network and name."""
Echoes = Mapping[tuple[str, str], Echo]


def ask(
    port: int, networks: Sequence[OwnNetwork], neighbours: Asked
) -> dict[tuple[str, str], Echo]:
    """The neighbours that answered within `TRIES` * `TRY_SECONDS`."""
    found: dict[tuple[str, str], Echo] = {}
    with ExitStack() as held:
        ways = {network.name: held.enter_context(_way(network)) for network in networks}
        for _ in range(TRIES):
            pending = {who: where for who, where in neighbours.items() if who not in found}
            if not pending:
                break
            found |= _round(port, ways, pending)
    return found


def _way(network: OwnNetwork) -> socket.socket:
    """A socket that sends from this network's own address; any address while we lack that."""
    way = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        way.bind((network.address, 0))
    except OSError as error:
        logs.get().debug("echo", network=network.name, error=str(error))
    return way


def _round(
    port: int, ways: Mapping[str, socket.socket], pending: Asked
) -> dict[tuple[str, str], Echo]:
    sent: dict[bytes, tuple[tuple[str, str], float]] = {}
    for (network, name), address in pending.items():
        number = secrets.token_bytes(NUMBER_BYTES)
        try:
            ways[network].sendto(FORM.pack(QUESTION, number, 0.0), (address, port))
        except OSError:  # no route, or the NIC is gone: it is not answered either
            continue
        sent[number] = (network, name), time.monotonic()
    found: dict[tuple[str, str], Echo] = {}
    deadline = Deadline(TRY_SECONDS)
    while sent and not deadline.passed():
        for way in select.select(list(ways.values()), [], [], deadline.left())[0]:
            if heard := _heard(way):
                number, theirs, ours, moment = heard
                if known := sent.pop(number, None):
                    took = moment - known[1]
                    found[known[0]] = Echo(took, theirs - (ours - took / 2))
    return found


def _heard(way: socket.socket) -> tuple[bytes, float, float, float] | None:
    """Number and time in an answer, our own time, and our monotonic clock; None for no answer."""
    try:
        content = way.recv(FORM.size + 1)
    except OSError:  # an earlier datagram came back as "port unreachable"
        return None
    if len(content) != FORM.size:
        return None
    mark, number, theirs = FORM.unpack(content)
    return (number, theirs, time.time(), time.monotonic()) if mark == ANSWER else None


class Responder:
    """Answers the neighbours on the own address of every network."""

    def __init__(self, port: int, networks: Sequence[OwnNetwork]) -> None:
        self._port = port
        self._networks = tuple(networks)
        self._open: dict[str, socket.socket] = {}
        self._fault = logs.Fault("echo")

    def run(self, stop: threading.Event, beat: Beat) -> None:
        """Answer until `stop` is set. An address that is not there yet is tried again."""
        while not stop.is_set():
            beat(PATIENCE)
            self.listen()
            self.answer(WAIT_SECONDS)
        for listener in self._open.values():
            listener.close()

    def listen(self) -> None:
        """Open what is not open."""
        for network in self._networks:
            if network.name in self._open:
                continue
            listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            try:
                listener.bind((network.address, self._port))
            except OSError as error:
                listener.close()
                self._fault.failed(error)
                continue
            self._open[network.name] = listener
            self._fault.passed()

    def answer(self, seconds: float) -> None:
        """Answer what has come, or comes within `seconds`."""
        ready = select.select(list(self._open.values()), [], [], seconds)[0]
        for listener in ready:
            try:
                content, whom = listener.recvfrom(FORM.size + 1)
                if len(content) == FORM.size and content.startswith(QUESTION):
                    _, number, _ = FORM.unpack(content)
                    listener.sendto(FORM.pack(ANSWER, number, time.time()), whom)
            except OSError as error:  # who asked is gone
                self._fault.failed(error)
