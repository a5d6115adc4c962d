"""Numbers for Prometheus on a port of the loopback address."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event

from bob.daemon.parts import Beat
from bob.errors import Permanent

TYPE = "text/plain; version=0.0.4; charset=utf-8"
LOOK_SECONDS = 30.0  # between two looks at whether to stop; nobody waits for that
REQUEST_SECONDS = 5.0
PATIENCE = 60.0


@dataclass(frozen=True)
class Sample:
    """One number. A name that ends with `_total` only rises."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def text(samples: Iterable[Sample]) -> str:
    """Samples in Prometheus' text format; those of one name stand together."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    lines = []
    for name, found in sorted(by_name.items()):
        lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
        lines += [f"{name}{_labels(sample.labels)} {sample.value:.17g}" for sample in found]
    return "\n".join(lines) + "\n"


def process() -> Iterable[Sample]:
    """Memory and time of this process, by the names that Prometheus' own libraries use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    yield Sample("process_resident_memory_bytes", pages * os.sysconf("SC_PAGE_SIZE"))
    yield Sample("process_cpu_seconds_total", time.process_time())
    yield Sample("process_open_fds", len(list(Path("/proc/self/fd").iterdir())))


class MetricsServer:
    """Answers `GET /metrics`. Raises `Permanent` when the port is taken."""

    def __init__(self, address: str, port: int, collect: Callable[[], Iterable[Sample]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_SECONDS

            def do_GET(self) -> None:
                if self.path != "/metrics":
                    self.send_error(404)
                    return
                body = text(collect()).encode()
                self.send_response(200)
                self.send_header("Content-Type", TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """A request for numbers is no news."""

        try:
            self._server = HTTPServer((address, port), Handler)
        except OSError as error:
            raise Permanent(
                f"metrics: cannot listen on {address}:{port}: {error.strerror}",
                cure=f"Find out who uses it (ss -lntp | grep {port}) and end that program.",
            ) from None
        self._server.timeout = LOOK_SECONDS
        self.port = self._server.server_address[1]

    def run(self, stop: Event, beat: Beat) -> None:
        """Answer until `stop` is set."""
        while not stop.is_set():
            beat(PATIENCE)
            self._server.handle_request()
        self._server.server_close()


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    quoted = (
        name + '="' + value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") + '"'
        for name, value in sorted(labels.items())
    )
    return "{" + ",".join(quoted) + "}"
