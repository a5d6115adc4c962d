"""Deadlines, fail-over and error classes of the HTTP layer, against servers on the loopback."""

from __future__ import annotations

import io
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bob.clients.http import Http, Refused, Unreachable
from bob.clients.light import LightHttp
from bob.errors import Permanent

SECRET = "5f9c0e2e-secret"


@dataclass
class Server:
    """A server that gives every request the same answer and remembers what it was asked."""

    status: int = 200
    body: bytes = b"{}"
    address: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    release: threading.Event | None = None


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Started servers; a test sets what they answer. The last of the three never answers."""
    with ExitStack() as stack:
        made = [Server(), Server(), Server(release=threading.Event())]
        for server in made:
            start(server, stack)
        yield made


def start(server: Server, stack: ExitStack) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            server.seen.append((self.command, self.path))
            server.headers = dict(self.headers)
            if server.release is not None:
                server.release.wait(30)
                return
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(server.body)))
            self.send_header("X-Index", "42")
            self.end_headers()
            self.wfile.write(server.body)

        do_GET = do_PUT = answer  # noqa: N815  names of the base class

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.address = f"http://127.0.0.1:{listener.server_address[1]}"
    stack.callback(listener.server_close)
    stack.callback(thread.join)
    stack.callback(listener.shutdown)
    if server.release is not None:
        stack.callback(server.release.set)


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(params=[Http, LightHttp], autouse=True)
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test is one of the library's transport, and of the one for small daemons."""
    monkeypatch.setattr(sys.modules[__name__], "transport", request.param)


transport: type[Http] = Http


def http(*addresses: str, timeout: float = 5.0) -> Http:
    return transport(addresses, {"X-Token": SECRET}, None, timeout, "X-Index")


def test_a_body_goes_where_it_is_wanted(servers: list[Server]) -> None:
    servers[0].body = b"a large body"
    sink = io.BytesIO(b"what another one began with")
    assert http(servers[0].address).request("GET", "/v1/x", sink=sink).body == b""
    assert sink.getvalue() == b"a large body"


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_dead_server_is_passed_over(servers: list[Server], closed: str, method: str) -> None:
    client = http(closed, servers[0].address)
    answer = client.request(method, "/v1/x", body={"a": 1} if method == "PUT" else None)
    assert (answer.status, answer.json(), answer.index) == (200, {}, 42)
    assert servers[0].headers["X-Token"] == SECRET


def test_the_server_that_answered_is_asked_first_next_time(
    servers: list[Server], closed: str
) -> None:
    client = http(closed, servers[0].address, servers[1].address)
    assert client.address == closed
    client.request("GET", "/v1/x")
    client.request("GET", "/v1/y")
    assert client.address == servers[0].address
    assert servers[1].seen == []


def test_a_read_moves_on_from_a_silent_server(servers: list[Server]) -> None:
    client = http(servers[2].address, servers[0].address, timeout=1.0)
    assert client.request("GET", "/v1/x").status == 200
    assert servers[2].seen == [("GET", "/v1/x")]


def test_a_write_that_may_have_happened_is_not_repeated(servers: list[Server]) -> None:
    client = http(servers[2].address, servers[0].address, timeout=0.4)
    with pytest.raises(Unreachable, match="no answer in time") as error:
        client.request("PUT", "/v1/x", body=b"1")
    assert error.value.sent
    assert servers[0].seen == []


def test_a_write_may_use_the_whole_timeout(servers: list[Server]) -> None:
    client = http(servers[2].address, servers[0].address, timeout=0.6)
    start_time = time.monotonic()
    with pytest.raises(Unreachable):
        client.request("PUT", "/v1/x")
    assert time.monotonic() - start_time > 0.5


def test_the_timeout_covers_all_candidates(servers: list[Server]) -> None:
    client = http(servers[2].address, servers[2].address, servers[2].address, timeout=1.5)
    start_time = time.monotonic()
    with pytest.raises(Unreachable, match="no server answered"):
        client.request("GET", "/v1/x")
    assert 1.4 < time.monotonic() - start_time < 3 * 1.5


def test_a_blocking_read_may_take_longer_than_the_timeout(servers: list[Server]) -> None:
    silent = servers[2]
    assert silent.release is not None
    client = http(silent.address, timeout=0.2)
    start_time = time.monotonic()
    with pytest.raises(Unreachable):
        client.request("GET", "/v1/x", wait=0.5)
    assert time.monotonic() - start_time > 0.6


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_without_a_leader_the_next_server_is_asked(servers: list[Server], method: str) -> None:
    servers[0].status, servers[0].body = 500, b"No cluster leader"
    client = http(servers[0].address, servers[1].address)
    assert client.request(method, "/v1/x").status == 200
    assert len(servers[0].seen) == len(servers[1].seen) == 1


def test_a_broken_write_is_reported_and_a_broken_read_tried_elsewhere(
    servers: list[Server],
) -> None:
    servers[0].status, servers[0].body = 500, b"rpc error: EOF"
    client = http(servers[0].address, servers[1].address)
    with pytest.raises(Unreachable, match="500 rpc error: EOF") as error:
        client.request("PUT", "/v1/x")
    assert error.value.sent
    assert servers[1].seen == []
    assert client.request("GET", "/v1/x").status == 200


def test_too_many_requests_can_be_tried_again(servers: list[Server]) -> None:
    servers[0].status = 429
    with pytest.raises(Unreachable) as error:
        http(servers[0].address).request("PUT", "/v1/x")
    assert not error.value.sent


@pytest.mark.parametrize(
    ("status", "cure"), [(403, "policy"), (401, "policy"), (400, ""), (404, "")]
)
def test_a_refusal_is_final_and_says_what_and_where(
    servers: list[Server], status: int, cure: str
) -> None:
    servers[0].status, servers[0].body = status, b"Permission denied:\n  key:write"
    with pytest.raises(Refused) as error:
        http(servers[0].address, servers[1].address).request("PUT", "/v1/kv/a")
    assert error.value.status == status
    assert error.value.message == (
        f"PUT {servers[0].address}/v1/kv/a: {status} Permission denied: key:write"
    )
    assert cure in error.value.cure
    assert SECRET not in error.value.message
    assert servers[1].seen == []


def test_an_expected_refusal_is_an_answer(servers: list[Server]) -> None:
    servers[0].status = 404
    assert http(servers[0].address).request("GET", "/v1/x", accept={404}).status == 404


def test_something_else_on_the_port_is_named(servers: list[Server]) -> None:
    servers[0].body = b"<html>"
    answer = http(servers[0].address).request("GET", "/v1/x")
    with pytest.raises(Permanent, match=r"not JSON: b'<html>'"):
        answer.json()


def test_all_dead_servers_are_named(closed: str) -> None:
    with pytest.raises(Unreachable, match="Connection refused") as error:
        http(closed, closed).request("PUT", "/v1/x")
    assert not error.value.sent
    assert error.value.message.count(closed) == 2
    assert "is up" in error.value.cure


def test_the_environment_does_not_redirect_requests(
    servers: list[Server], closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, closed)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert http(servers[0].address).request("GET", "/v1/x").status == 200


def test_a_redirect_is_not_followed_with_the_token(servers: list[Server]) -> None:
    servers[0].status = 307
    with pytest.raises(Refused, match="307"):
        http(servers[0].address).request("GET", "/v1/x")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unusable_ca_file_is_named(
    tmp_path: Path, servers: list[Server], content: str | None
) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    secure = servers[0].address.replace("http:", "https:")
    client = transport([secure], {}, ca_file, 1.0, "X-Index")
    with pytest.raises(Permanent, match="cannot use the CA file") as error:
        client.request("GET", "/v1/x")
    assert str(ca_file) in error.value.cure


def test_a_client_needs_an_address() -> None:
    with pytest.raises(ValueError, match="at least one address"):
        http()
