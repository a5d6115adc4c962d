"""The request at the end of a deployment, to real HTTP servers on the loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bob.clients.consul import ServiceInstance
from bob.errors import DeadlinePassed
from bob.ops.deploy.request import ask
from bob.waiting import Deadline

Serve = Callable[..., ServiceInstance]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(503, 200)` is a router that gives these answers, the last one for ever."""
    servers: list[ThreadingHTTPServer] = []

    def start(*codes: int) -> ServiceInstance:
        left = list(codes)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(code)
                self.end_headers()
                self.wfile.write(f"{self.path} {code}\n".encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return router(server.server_port)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def router(port: int) -> ServiceInstance:
    return ServiceInstance("n1", "id", "haproxy", "127.0.0.1", port, (), ())


def test_the_answer_comes_with_the_url_that_gave_it(serve: Serve) -> None:
    first = serve(200)
    reply = ask((first, serve(200)), "demo", Deadline(5))
    assert reply.url == f"http://127.0.0.1:{first.port}/demo/"
    assert reply.text == "/demo/ 200"


def test_a_router_may_still_be_learning(serve: Serve) -> None:
    assert ask((serve(404, 503, 200),), "demo", Deadline(5)).text == "/demo/ 200"


def test_every_router_must_answer_and_is_asked_until_it_does(serve: Serve) -> None:
    first, late = serve(200, 500), serve(404, 404, 200)
    assert ask((first, late), "demo", Deadline(5)).url.startswith(f"http://127.0.0.1:{first.port}")


def test_after_the_deadline_each_router_is_named_with_its_reason(serve: Serve) -> None:
    good, bad = serve(200), serve(503)
    with pytest.raises(DeadlinePassed) as caught:
        ask((good, router(1), bad), "demo", Deadline(0.05))
    assert "127.0.0.1:1/demo/: " in caught.value.message
    assert f"127.0.0.1:{bad.port}/demo/: 503 Service Unavailable" in caught.value.message
    assert f"127.0.0.1:{good.port}" not in caught.value.message
