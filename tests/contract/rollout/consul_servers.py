"""Three Consul servers on the loopback address, of which one may be lost, and a way to them."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loopback_agents import free_ports

from bob.clients.consul import Consul
from bob.clients.http import Unreachable
from bob.waiting import wait_for

NAMES = ("s1", "s2", "s3")
OURS = "s2"  # the one that everybody here asks: it is never lost
SECONDS = 180.0  # a busy machine; a quiet one needs five
STOP_SECONDS = 10.0
HOP = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})


class ConsulServers:
    """`client` asks one of them; any of the others may lead, and be lost."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary, self._folder = binary, folder
        ports = free_ports(3 * len(NAMES))
        self._http = dict(zip(NAMES, ports[::3], strict=True))
        self._rpc = dict(zip(NAMES, ports[1::3], strict=True))
        self._gossip = dict(zip(NAMES, ports[2::3], strict=True))
        self._processes = {name: self._start(name) for name in NAMES}
        self.port = self._http[OURS]

    def await_complete(self) -> None:
        """Wait until all of them are there."""
        wait_for(self._complete, what="three voters", deadline=SECONDS)

    def client(self) -> Consul:
        """A client of its own."""
        return Consul(f"http://127.0.0.1:{self.port}")

    def leader(self) -> str:
        """Name of the leader, "" when there is none."""
        try:
            leader = self.client().operator.raft().leader
        except Unreachable:
            return ""
        return leader.name if leader else ""

    def lose_the_leader(self) -> str:
        """Kill the server that leads; its name. The others elect another one by themselves."""
        if self.leader() == OURS:
            operator = self.client().operator
            other = next(peer for peer in operator.raft().peers if peer.name != OURS)
            operator.transfer_leadership(other.id)
        wait_for(lambda: self.leader() not in ("", OURS), what="another leads", deadline=SECONDS)
        lost = self.leader()
        self._processes[lost].kill()
        self._processes[lost].wait()
        return lost

    def bring_back(self, name: str) -> None:
        """Start a lost server on its data."""
        self._processes[name] = self._start(name)
        self.await_complete()

    def stop(self) -> None:
        """End them all."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _complete(self) -> bool:
        try:
            health = self.client().operator.autopilot()
        except Unreachable:
            return False
        return health.healthy and sum(server.voter for server in health.servers) == len(NAMES)

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        config = {
            "datacenter": "test",
            "node_name": name,
            "data_dir": str(self._folder / name),
            "server": True,
            "bootstrap_expect": len(NAMES),
            "bind_addr": "127.0.0.1",
            "client_addr": "127.0.0.1",
            "retry_join": [f"127.0.0.1:{port}" for port in self._gossip.values()],
            "retry_interval": "1s",
            "ports": {
                "http": self._http[name], "server": self._rpc[name],
                "serf_lan": self._gossip[name],
                "https": -1, "dns": -1, "grpc": -1, "grpc_tls": -1, "serf_wan": -1,
            },
            "performance": {"raft_multiplier": 1},
            "autopilot": {"min_quorum": len(NAMES), "server_stabilization_time": "1s"},
            "session_ttl_min": "1s",
            "disable_update_check": True,
        }  # fmt: skip
        file = self._folder / f"{name}.json"
        file.write_text(json.dumps(config))
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [self._binary, "agent", f"-config-file={file}"], stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"]},
            )  # fmt: skip


class Way:
    """A way to a Consul on which questions for the KV may get lost."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.kv_is_lost = False
        self.port = 0


@contextmanager
def way_to(target: int) -> Iterator[Way]:
    """The way is open inside of the block, at a port of its own."""
    way = Way(target)
    handler = type("Handler", (_Carrier,), {"way": way})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        way.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield way
        server.shutdown()


class _Carrier(http.server.BaseHTTPRequestHandler):
    """Carries a question there and the answer back."""

    way: Way
    protocol_version = "HTTP/1.1"

    def carry(self) -> None:
        if self.way.kv_is_lost and self.path.startswith("/v1/kv/"):
            self.close_connection = True  # without an answer, as from a host that is gone
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        there = http.client.HTTPConnection("127.0.0.1", self.way.target)
        try:
            there.request(self.command, self.path, body, dict(self.headers))
            answer = there.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
        finally:
            there.close()

    do_GET = do_PUT = do_POST = do_DELETE = carry  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass
