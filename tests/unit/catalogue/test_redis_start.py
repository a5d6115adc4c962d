"""What redis and sentinel are started with, by what the sentinels of other hosts say."""

from __future__ import annotations

import importlib.util
import json
import socket
import threading
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SETTINGS = {
    "password": "pw", "down_after": 2000, "memory": 64, "port": 6379, "sentinel_port": 26379,
    "hosts": ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
}  # fmt: skip


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """The program as it is on one of the hosts; no sentinel answers, no time passes."""

    def load(host: str) -> ModuleType:
        monkeypatch.setenv("NOMAD_IP_redis", host)
        monkeypatch.setattr(Path, "read_text", lambda self, **_: json.dumps(SETTINGS))
        file = str(resources.files("jobs") / "redis" / "start.py")
        spec = importlib.util.spec_from_file_location("redis_start", file)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        monkeypatch.undo()
        made.time = Time()  # type: ignore[attr-defined]
        made.really_ask, made.ask = made.ask, lambda *_: []  # type: ignore[attr-defined]
        return made

    return load


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def started(program: ModuleType, what: str) -> list[str]:
    """The lines that the program would be started with."""
    found: list[str] = []

    def become(name: str, path: str, lines: list[str]) -> None:
        assert name == f"redis-{'server' if what == 'redis' else what}"
        found.extend(lines)

    program.become = become  # type: ignore[attr-defined]
    getattr(program, what)()
    return found


def named(address: str) -> Callable[..., list[str]]:
    """Every sentinel names this master."""
    return lambda *_: [address, "6379"]


@pytest.mark.parametrize(
    ("host", "named_master", "replica_of"),
    [
        ("10.0.0.1", "", None),  # the first host while nobody knows a master
        ("10.0.0.2", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),  # it came back after another one took over
        ("10.0.0.3", "10.0.0.2", "10.0.0.2"),
    ],
)
def test_an_instance_follows_the_master_that_sentinels_name(
    program: Callable[[str], ModuleType], host: str, named_master: str, replica_of: str | None
) -> None:
    made = program(host)
    if named_master:
        made.ask = named(named_master)  # type: ignore[attr-defined]
    lines = [line for line in started(made, "redis") if line.startswith("replicaof")]
    assert lines == ([f"replicaof {replica_of} 6379"] if replica_of else [])


def test_a_master_that_restarted_waits_for_another_one_to_be_chosen(
    program: Callable[[str], ModuleType],
) -> None:
    made = program("10.0.0.1")
    made.ask = named("10.0.0.1")  # type: ignore[attr-defined]
    assert not [line for line in started(made, "redis") if line.startswith("replicaof")]
    assert made.time.now >= made.SWITCH_SECONDS
    answers = ["10.0.0.1"] * 3 + ["10.0.0.2"]
    made.ask = lambda *_: named(answers.pop(0))()  # type: ignore[attr-defined]
    assert "replicaof 10.0.0.2 6379" in started(made, "redis")


def test_sentinels_keep_their_identity_and_watch_the_same_master(
    program: Callable[[str], ModuleType],
) -> None:
    lines = started(program("10.0.0.2"), "sentinel")
    assert "sentinel monitor main 10.0.0.1 6379 2" in lines
    again = started(program("10.0.0.2"), "sentinel")
    other = started(program("10.0.0.3"), "sentinel")
    ids = [next(x for x in found if "myid" in x) for found in (lines, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0].split()[-1]) == 40


@pytest.fixture
def server() -> Iterator[tuple[int, dict[bytes, bytes]]]:
    """Something that speaks redis' protocol on a port, with answers by the last word asked."""
    answers: dict[bytes, bytes] = {b"pw": b"+OK\r\n"}
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line, line.makefile("rwb") as stream:
                while head := stream.readline():
                    words = [
                        (stream.readline(), stream.readline())[1].strip()
                        for _ in range(int(head[1:]))
                    ]
                    stream.write(answers[words[-1]])
                    stream.flush()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], answers
        thread.join(10)


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (b"*2\r\n$8\r\n10.0.0.9\r\n$4\r\n6379\r\n", ["10.0.0.9", "6379"]),
        (b"*3\r\n$6\r\nmaster\r\n:7\r\n*0\r\n", ["master", "7"]),
        (
            b"*3\r\n$6\r\nmaster\r\n:7\r\n*1\r\n*2\r\n$8\r\n10.0.0.9\r\n$1\r\n7\r\n",
            ["master", "7", "10.0.0.9", "7"],
        ),
        (b"*-1\r\n", []),
        (b"$-1\r\n", []),
        (b"-ERR no such master\r\n", []),
    ],
)
def test_answers_are_read_whole(
    program: Callable[[str], ModuleType], server: Any, answer: bytes, texts: list[str]
) -> None:
    port, answers = server
    made = program("10.0.0.1")
    answers[b"main"] = answer
    assert made.really_ask("127.0.0.1", port, "main") == texts
