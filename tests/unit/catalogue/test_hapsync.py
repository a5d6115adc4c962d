"""How a running haproxy follows Consul: which slot gets which instance, and what it is told."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bob.waiting import wait_for
from jobs.haproxy.hapsync import Change, Slot, Watch, attend, commands, parse, plan, synchronise

A, B, C = ("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80)
FREE = Slot("127.0.0.1", 1, ready=False)


def up(instance: tuple[str, int]) -> Slot:
    return Slot(*instance, ready=True)


def out(instance: tuple[str, int]) -> Slot:
    return Slot(*instance, ready=False)


@pytest.mark.parametrize(
    ("wanted", "slots", "changes"),
    [
        pytest.param([A], {"s1": up(A), "s2": FREE}, [], id="nothing is new"),
        pytest.param([A, B], {"s1": up(A), "s2": FREE}, [Change("s2", B)], id="one more"),
        pytest.param([B], {"s1": up(A), "s2": up(B)}, [Change("s1", None)], id="one less"),
        pytest.param([], {"s1": up(A)}, [], id="an empty answer takes nobody out"),
        pytest.param(
            [B], {"s1": up(A)}, [Change("s1", None), Change("s1", B)], id="the only slot is reused"
        ),
        pytest.param(
            [A, B],
            {"s1": FREE, "s2": up(A), "s3": out(B)},
            [Change("s3", B)],
            id="who comes back gets the slot it had",
        ),
        pytest.param(
            [A, C],
            {"s1": out(B), "s2": FREE, "s3": up(A)},
            [Change("s2", C)],
            id="a slot of somebody who may come back is taken last",
        ),
        pytest.param(
            [B, C],
            {"s1": out(C), "s2": FREE},
            [Change("s1", C), Change("s2", B)],
            id="who comes back chooses first",
        ),
        pytest.param([A, B, C], {"s1": up(A), "s2": FREE}, [Change("s2", B)], id="no slot is left"),
        pytest.param(
            [A], {"s1": up(A), "s2": up(A)}, [Change("s1", None)], id="in two slots at once"
        ),
    ],
)
def test_what_is_changed(
    wanted: list[tuple[str, int]], slots: dict[str, Slot], changes: list[Change]
) -> None:
    assert plan(wanted, slots) == changes


instances = st.tuples(st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"]), st.integers(1, 3))


def after(slots: Mapping[str, Slot], changes: list[Change]) -> dict[str, Slot]:
    """The slots when haproxy has done what it was told."""
    now = dict(slots)
    for change in changes:
        old = now[change.slot]
        now[change.slot] = up(change.instance) if change.instance else old._replace(ready=False)
    return now


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sets(instances),
    st.dictionaries(
        st.sampled_from([f"s{n}" for n in range(1, 7)]),
        st.builds(lambda target, ready: Slot(*target, ready), instances, st.booleans()),
    ),
)
def test_afterwards_every_instance_has_one_slot_and_nobody_else_has_one(
    wanted: set[tuple[str, int]], slots: dict[str, Slot]
) -> None:
    now = after(slots, plan(wanted, slots))
    served = [(slot.address, slot.port) for slot in now.values() if slot.ready]
    if not wanted:
        assert now == slots
        return
    assert len(served) == len({*served}) == min(len(wanted), len(slots))
    assert {*served} <= wanted
    assert plan(wanted, now) == []


def test_an_instance_that_stays_keeps_its_slot() -> None:
    slots = {"s1": up(A), "s2": up(B), "s3": FREE}
    assert all(change.slot != "s2" for change in plan([B, C], slots))


def test_the_words_for_haproxy() -> None:
    assert commands("demo", Change("s1", None)) == ["set server demo/s1 state maint"]
    assert commands("demo", Change("s2", A)) == [
        "set server demo/s2 addr 10.0.0.1 port 80",
        "set server demo/s2 state ready",
        "enable health demo/s2",
    ]


STATE = """\
1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_port
4 demo 1 s1 10.0.0.1 2 0 80
4 demo 2 s2 127.0.0.1 0 5 1
5 other 1 fixed 10.0.0.9 2 0 80

"""


def test_slots_are_read_by_the_names_of_their_fields() -> None:
    assert parse(STATE) == {"demo": {"s1": up(A), "s2": FREE}}


@pytest.mark.parametrize("answer", ["", "1\n", "Unknown command.\n", STATE.splitlines()[1]])
def test_an_answer_without_slots_changes_nothing(answer: str) -> None:
    assert parse(answer) == {}


class Haproxy:
    """A worker that understands the few commands, at a socket."""

    def __init__(self, path: Path, slots: dict[str, Slot]) -> None:
        self.slots = slots
        self.process = 100
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                words = connection.makefile().readline().split()
                connection.sendall(self._answer(words).encode())

    def _answer(self, words: list[str]) -> str:
        if words[:2] == ["show", "servers"]:
            rows = "".join(
                f"4 demo {n} {name} {s.address} 2 {0 if s.ready else 1} {s.port}\n"
                for n, (name, s) in enumerate(self.slots.items())
            )
            return "\n".join(STATE.splitlines()[:2]) + "\n" + rows
        if words[:2] == ["show", "info"]:
            return f"Name: HAProxy\nPid: {self.process}\n"
        if words[0] == "set":
            name, what = words[2].partition("/")[2], words[3]
            if what == "addr":
                self.slots[name] = Slot(words[4], int(words[6]), self.slots[name].ready)
            else:
                self.slots[name] = self.slots[name]._replace(ready=words[4] == "ready")
        return "\n"


class Consul(http.server.BaseHTTPRequestHandler):
    """Says which instances of `demo` pass; a question for what is known waits for a change.

    Nothing is known at first, so the first question waits, too.
    """

    passing: list[tuple[str, int]]
    index: int
    changed: threading.Condition

    def do_GET(self) -> None:
        assert self.headers["X-Consul-Token"] == "token"
        known = int(self.path.partition("index=")[2].partition("&")[0])
        with self.changed:
            self.changed.wait_for(lambda: type(self).index != known)
            entries = [
                {"Service": {"Address": "", "Port": port}, "Node": {"Address": address}}
                for address, port in self.passing
            ]
            index = type(self).index
        body = json.dumps(entries).encode()
        self.send_response(200)
        self.send_header("X-Consul-Index", str(index))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

    @classmethod
    def say(cls, *passing: tuple[str, int]) -> None:
        with cls.changed:
            cls.passing, cls.index = list(passing), cls.index + 1
            cls.changed.notify_all()


@pytest.fixture
def consul() -> Iterator[tuple[type[Consul], str]]:
    fields = {"passing": [], "index": 0, "changed": threading.Condition()}
    handler = type("Handler", (Consul,), fields)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield handler, f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_slots_follow_what_consul_says(
    consul: tuple[type[Consul], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    said, address = consul
    haproxy = Haproxy(Path("s"), {"s1": up(C), "s2": FREE, "s3": FREE})
    watch = Watch("token", address)

    def serves(*wanted: tuple[str, int]) -> bool:
        synchronise("s", watch)
        ready = {(slot.address, slot.port) for slot in haproxy.slots.values() if slot.ready}
        return ready == {*wanted}

    try:
        assert serves(C), "nothing is known yet"
        said.say(A)
        wait_for(lambda: serves(A), what="the first answer", deadline=60)
        said.say(A, B)
        wait_for(lambda: serves(A, B), what="one more", deadline=60)
        said.say()
        wait_for(lambda: watch.instances["demo"] == [], what="an empty answer", deadline=60)
        assert serves(A, B)
        said.say(B)
        wait_for(lambda: serves(B), what="one less", deadline=60)
    finally:
        watch.over.set()
        haproxy.close()


def test_without_consul_haproxy_goes_on_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    haproxy = Haproxy(Path("s"), {"s1": up(A), "s2": FREE})
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and nobody listens there
        watch = Watch("token", f"127.0.0.1:{nobody.getsockname()[1]}")
        try:
            synchronise("s", watch)
            wait_for(lambda: "Consul, demo" in caplog.text, what="it is told", deadline=60)
            synchronise("s", watch)
        finally:
            watch.over.set()
            haproxy.close()
    assert haproxy.slots == {"s1": up(A), "s2": FREE}


def test_a_new_worker_is_told_what_the_old_one_knew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    haproxy = Haproxy(Path("s"), {"s1": FREE})
    watch = Watch("token", instances={"demo": [A]})
    watch.over.set()  # nobody is asked
    try:
        worker = attend("s", watch, "", changed=False)
        assert (worker, haproxy.slots) == ("100", {"s1": up(A)})
        haproxy.slots = {"s1": FREE}
        assert attend("s", watch, worker, changed=False) == worker
        assert haproxy.slots == {"s1": FREE}, "the worker is the same, and nothing changed"
        haproxy.process = 101
        assert attend("s", watch, worker, changed=False) == "101"
        assert haproxy.slots == {"s1": up(A)}
    finally:
        haproxy.close()


def test_a_haproxy_that_is_not_there_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch, path = Watch("token"), str(tmp_path / "s")
    assert attend(path, watch, "100", changed=True) is None
    assert attend(path, watch, None, changed=True) is None
    assert caplog.text.count(path) == 1
