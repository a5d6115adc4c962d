"""The HTTP entry: haproxy follows the instances without a reload, and the shared address moves."""

from __future__ import annotations

import json
import socket
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import requests
from end_state import consul
from harness import Lab

from bob.waiting import wait_for

pytestmark = pytest.mark.lab

DOOR = 7007
SECONDS = 90.0  # generous: machines that run these tests are slow and shared

ASK = """
import re, socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/bob/haproxy/admin.sock")
s.sendall(b"show info; show servers state demo\\n")
answer = b"".join(iter(lambda: s.recv(65536), b"")).decode()
print(re.search(r"^Pid: (\\d+)", answer, re.M).group(1))
for fields in (line.split() for line in answer.splitlines()):
    if len(fields) > 18 and fields[1] == "demo" and not int(fields[6]) & 1:
        print(f"{fields[4]}:{fields[18]}")
"""


@pytest.fixture
def routers(cluster: Lab) -> dict[str, str]:
    """Address of each haproxy, by node, with `demo` behind them; a lost host moves them."""
    return places(deploy(cluster, "demo"), "haproxy")


def deploy(lab: Lab, service: str) -> dict[str, Any]:
    words = ("deploy", service, "--yes", "-o", "json", "--cluster", lab.sandbox.name)
    found: dict[str, Any] = json.loads(lab.bob(*words).stdout)
    return found


def places(view: dict[str, Any], service: str) -> dict[str, str]:
    (found,) = (each for each in view["services"] if each["name"] == service)
    return {instance["node"]: instance["address"] for instance in found["instances"]}


def worker(lab: Lab, node: str) -> tuple[str, set[str]]:
    """Process id of the haproxy that takes requests on a node, and the instances it uses."""
    process, *instances = lab.run(node, ["python3", "-c", ASK]).split()
    return process, set(instances)


def test_instances_come_and_go_without_a_reload(cluster: Lab, routers: dict[str, str]) -> None:
    name = cluster.sandbox.name
    before = {node: worker(cluster, node)[0] for node in routers}
    for count in ("3", "2"):
        cluster.bob("scale", "demo", count, "--yes", "--cluster", name)
        wanted = set(places(deploy(cluster, "demo"), "demo").values())
        assert len(wanted) == int(count)
        for node in routers:
            wait_for(
                lambda node=node, wanted=wanted: worker(cluster, node)[1] == wanted,
                what=f"haproxy on {node} uses the {count} instances",
                deadline=SECONDS,
            )
    assert {node: worker(cluster, node)[0] for node in routers} == before


def test_the_shared_address_leaves_a_host_that_lost_power(
    cluster: Lab, routers: dict[str, str]
) -> None:
    name = cluster.sandbox.name
    shared = cluster.sandbox.layout.shared_address
    deploy(cluster, "keepalived")
    cluster.bob("config", "set", "keepalived", f"address={shared}", "--yes", "--cluster", name)
    try:
        wait_for(lambda: answers(shared), what="the shared address answers", deadline=SECONDS)
        wait_for(lambda: len(holders(cluster, shared)) == 1, what="one holder", deadline=SECONDS)
        (holder,) = holders(cluster, shared)
        cluster.bob("sandbox", "fault", "power", holder, "off", "--name", name)
        try:
            began = time.monotonic()
            wait_for(lambda: answers(shared), what="it answers", deadline=SECONDS, interval=0.01)
            print(f"answers again {time.monotonic() - began:.2f} s after the command returned")
        finally:
            cluster.bob("sandbox", "fault", "power", holder, "on", "--name", name)
        wait_for(cluster.healthy, what="healthy with all hosts", deadline=2 * SECONDS)
        wait_for(lambda: len(holders(cluster, shared)) == 1, what="one holder", deadline=SECONDS)
        assert holders(cluster, shared) != {holder}
    finally:  # it stays in the configuration, and no door waits at it: see the test of doors
        cluster.bob("undeploy", "keepalived", "--yes", "--cluster", name)


ECHO_SERVICE = """\
title: Repeats what it hears, as a database would
driver: raw_exec
count: 2
depends: [haproxy]
ports: {echo: dynamic}
check: {port: echo}
door: {by: haproxy, port: 7007, mode: tcp}
"""
ECHO_JOB = """\
[% import "shared/blocks.j2" as blocks with context %]
job "[[ service.name ]]" {
  datacenters = ["*"]
  group "[[ service.name ]]" {
[[ blocks.group() ]]
    task "[[ service.name ]]" {
      driver = "raw_exec"
      config {
        command = "python3"
        args    = ["-c", [[ file("echo.py") | hcl ]]]
      }
    }
  }
}
"""
ECHO = """\
import os, socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while heard := self.request.recv(100):
            self.request.sendall(heard)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server((os.environ["NOMAD_IP_echo"], int(os.environ["NOMAD_PORT_echo"])), Echo).serve_forever()
"""


def test_connections_that_are_not_http_outlive_a_reload(
    cluster: Lab, routers: dict[str, str], tmp_path: Path
) -> None:
    folder, name = tmp_path / "echo", cluster.sandbox.name
    folder.mkdir()
    files = {"service.yaml": ECHO_SERVICE, "job.nomad.hcl.j2": ECHO_JOB, "echo.py": ECHO}
    for file, text in files.items():
        (folder / file).write_text(text)
    cluster.bob("deploy", "echo", "--catalogue", str(tmp_path), "--yes", "--cluster", name)
    node, address = next(iter(routers.items()))
    host = address.partition(":")[0]
    catalog = consul(cluster).http
    try:
        wait_for(lambda: talk(host), what="the door leads to an instance", deadline=SECONDS)
        with socket.create_connection((host, DOOR), timeout=SECONDS) as connection:
            before = worker(cluster, node)[0]
            newcomer = {"Name": "newcomer", "Port": 1, "Tags": ["routed-by-haproxy"]}
            catalog.request("PUT", "/v1/agent/service/register", body=newcomer)
            wait_for(
                lambda: worker(cluster, node)[0] != before, what="a reload", deadline=SECONDS
            )  # fmt: skip
            connection.sendall(b"still here")
            assert connection.recv(100) == b"still here"
            cluster.bob("service", "restart", "echo", "--yes", "--cluster", name)
            assert connection.recv(100) == b"", "its instance was replaced"
        assert talk(host)
    finally:
        path = "/v1/agent/service/deregister/newcomer"
        catalog.request("PUT", path, accept={HTTPStatus.NOT_FOUND})
        cluster.bob("undeploy", "echo", "--yes", "--cluster", name)


def talk(host: str) -> bool:
    """Somebody behind the door repeats what we say."""
    try:
        with socket.create_connection((host, DOOR), timeout=2) as connection:
            connection.sendall(b"hello")
            return connection.recv(100) == b"hello"
    except OSError:
        return False


def answers(shared: str) -> bool:
    try:
        return requests.get(f"http://{shared}:8080/demo/", timeout=0.5).ok
    except requests.RequestException:
        return False


def holders(lab: Lab, shared: str) -> set[str]:
    """The nodes that have the address now."""
    look = f"ip -4 -oneline address show to {shared}"
    return {node.name for node in lab.sandbox.nodes if lab.on(node.name, look, check=False).strip()}
