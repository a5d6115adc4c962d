"""The wire over a pair of local sockets in place of interfaces."""

from __future__ import annotations

import errno
import socket
import threading
import time

import pytest

from bob.sandbox.faults.wire import Wire


class Plug:
    """Stands for an `End`: `outer` is the cable that a test writes to and reads from."""

    def __init__(self):
        self.socket, self.outer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.outer.settimeout(5)
        self.deleted = threading.Event()

    def exists(self):
        return not self.deleted.is_set()

    def received(self):
        if self.deleted.is_set():
            raise OSError(errno.ENETDOWN, "down")
        while True:
            try:
                yield self.socket.recv(100)
            except BlockingIOError:
                return

    def send(self, frame):
        self.socket.send(frame)


@pytest.fixture
def plug_in():
    """`plug_in(delay=0.05)` returns both cables of a wire that copies until the test ends."""
    running = []

    def start(delay=0.0, jitter=0.0, loss=0.0):
        one, other = Plug(), Plug()
        thread = threading.Thread(target=Wire(one, other, delay, jitter, loss).copy)
        thread.start()
        running.append((one, thread))
        return one.outer, other.outer

    yield start
    for plug, thread in running:
        plug.deleted.set()
        plug.outer.send(b"wake")
        thread.join(5)
        assert not thread.is_alive()


def test_frames_go_both_ways_in_order(plug_in):
    left, right = plug_in()
    for number in range(9):
        left.send(bytes([number]))
        right.send(bytes([100 + number]))
    assert [right.recv(9)[0] for _ in range(9)] == list(range(9))
    assert [left.recv(9)[0] for _ in range(9)] == list(range(100, 109))


def test_each_frame_waits(plug_in):
    left, right = plug_in(delay=0.1)
    start = time.monotonic()
    left.send(b"x")
    right.recv(9)
    assert time.monotonic() - start >= 0.1


def test_jitter_lets_frames_overtake_each_other_and_loses_none(plug_in):
    left, right = plug_in(delay=0.02, jitter=0.02)
    sent = list(range(60))
    for number in sent:
        left.send(bytes([number]))
    got = [right.recv(9)[0] for _ in sent]
    assert sorted(got) == sent
    assert got != sent


def test_loss(plug_in):
    left, right = plug_in(loss=100)
    left.send(b"x")
    right.settimeout(0.1)
    with pytest.raises(TimeoutError):
        right.recv(9)
    left, right = plug_in(loss=50)
    for _ in range(200):
        left.send(b"x")
    got = 0
    right.settimeout(0.3)
    with pytest.raises(TimeoutError):
        while True:
            right.recv(9)
            got += 1
    assert 60 <= got <= 140  # 100 expected; 5 sigma are 36
