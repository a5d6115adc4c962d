"""Services that are not HTTP behind real haproxies: their connections live as long as they may."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_agents import free_ports

from bob.catalogue import Catalogue
from bob.waiting import wait_for
from jobs.haproxy import haptcp
from jobs.haproxy.hapsync import commands, parse, plan, tell

SECONDS = 60.0
ROOT = Path(__file__).parents[3]


class Database:
    """Says its name to who connects, and then repeats what it hears."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def refuse(self) -> None:
        """Take no new connection; those that are there stay open."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(self._name)
            while heard := connection.recv(100):
                connection.sendall(heard)


class Client:
    """A connection through a door; `name` is that of the database behind it."""

    def __init__(self, door: str) -> None:
        host, _, port = door.partition(":")
        self._connection = socket.create_connection((host, int(port)), timeout=SECONDS)
        self.name = self._connection.recv(100).decode()

    def alive(self) -> bool:
        try:
            self._connection.sendall(b"?")
            return self._connection.recv(100) == b"?"
        except OSError:
            return False

    def ended(self) -> bool:
        """Wait until the other side ends it; False when it does not."""
        try:
            return self._connection.recv(100) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


class Entry:
    """The program that starts haproxies, and what hapsync does with them."""

    def __init__(self, folder: Path) -> None:
        self._list, self._sockets = folder / "tcp.list", folder / "s"
        self._list.write_text("")
        config = folder / "tcp.cfg"
        config.write_text(Catalogue().text("haproxy", "templates/tcp.cfg"))
        self.process = subprocess.Popen(
            [sys.executable, haptcp.__file__, self._list, config, self._sockets], cwd=ROOT
        )

    def want(self, **doors: str) -> None:
        """As Nomad does: the list is another file at once, never half of one."""
        new = self._list.with_suffix(".new")
        new.write_text("".join(f"{name} {door}\n" for name, door in doors.items()))
        new.replace(self._list)

    def serve(self, service: str, *instances: Database) -> None:
        """Bring the instances into the slots, as soon as the haproxy of the service answers."""
        wait_for(lambda: self.worker(service), what=f"a haproxy of {service}", deadline=SECONDS)
        socket_of = self._socket(service)
        slots = parse(tell(socket_of, "show servers state"))[service]
        for change in plan([each.address for each in instances], slots):
            for command in commands(service, change):
                tell(socket_of, command)

    def worker(self, service: str) -> int:
        """The process id of a service's haproxy; 0 when none answers."""
        try:
            answer = tell(self._socket(service), "show info")
        except OSError:
            return 0
        return int(answer.partition("\nPid: ")[2].split()[0])

    def _socket(self, service: str) -> str:
        return str(self._sockets / f"tcp-{service}.sock")


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Entry]:
    made = Entry(tmp_path)
    yield made
    made.process.terminate()
    made.process.wait(SECONDS)


def door() -> str:
    (port,) = free_ports(1)
    return f"127.0.0.1:{port}"


def connect(to: str) -> Client:
    """A connection that got to a database; a slot that is new is not up at once."""

    def served() -> Client | None:
        with contextlib.suppress(OSError):
            client = Client(to)
            return client if client.name else None
        return None

    return wait_for(served, what=f"a database behind {to}", deadline=SECONDS)


def test_a_connection_lives_through_every_change_but_the_end_of_its_instance(entry: Entry) -> None:
    one, two, at = Database("one"), Database("two"), door()
    entry.want(db=at)
    entry.serve("db", one)
    client, worker = connect(at), entry.worker("db")
    for instances in ((one, two), (one,), (one, two)):
        entry.serve("db", *instances)
        assert client.alive()
    entry.want(db=at, other=door())
    entry.serve("other", two)
    entry.want(db=at)
    assert client.alive()
    assert entry.worker("db") == worker
    entry.serve("db", two)
    assert client.ended(), "Consul no longer names its instance"
    assert connect(at).name == "two"
    assert entry.worker("db") == worker


def test_connections_to_an_instance_that_failed_are_cut_before_consul_says_so(
    entry: Entry,
) -> None:
    one, two, at = Database("one"), Database("two"), door()
    entry.want(db=at)
    entry.serve("db", one)
    client = connect(at)
    entry.serve("db", one, two)
    one.refuse()
    assert client.ended()
    assert connect(at).name == "two"


def test_a_haproxy_that_was_killed_is_back(entry: Entry) -> None:
    one, at = Database("one"), door()
    entry.want(db=at)
    entry.serve("db", one)
    worker = entry.worker("db")
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: entry.worker("db") not in (0, worker), what="another one", deadline=SECONDS)
    entry.serve("db", one)
    assert connect(at).name == "one"


def test_a_door_that_somebody_else_has_harms_no_other_service(entry: Entry) -> None:
    one, at = Database("one"), door()
    taken = Database("owner")
    entry.want(wrong=f"127.0.0.1:{taken.address[1]}", db=at)
    entry.serve("db", one)
    assert connect(at).name == "one"
    assert entry.process.poll() is None
    taken.refuse()
    entry.serve("wrong", one)
    assert connect(f"127.0.0.1:{taken.address[1]}").name == "one"


def test_another_door_is_opened_and_the_old_one_closed(entry: Entry) -> None:
    one, before, after = Database("one"), door(), door()
    entry.want(db=before)
    entry.serve("db", one)
    client = connect(before)
    entry.want(db=after)
    assert client.ended()
    entry.serve("db", one)
    assert connect(after).name == "one"
    with pytest.raises(ConnectionRefusedError):
        Client(before)


def test_no_haproxy_is_left_when_the_program_ends(entry: Entry) -> None:
    one, at = Database("one"), door()
    entry.want(db=at)
    entry.serve("db", one)
    client, worker = connect(at), entry.worker("db")
    entry.process.terminate()
    assert entry.process.wait(SECONDS) == 0
    assert client.ended()
    assert not Path(f"/proc/{worker}").exists()
