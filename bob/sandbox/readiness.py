"""Waiting until hosts are ready: sshd says hello and dockerd answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bob.errors import DeadlinePassed
from bob.sandbox.container import init_pid
from bob.sandbox.layout import NodeLayout
from bob.waiting import Deadline, wait_for

_POLL = 0.05


def wait_until_ready(nodes: Sequence[NodeLayout], seconds: float) -> None:
    """Return when every host is ready. Raises `DeadlinePassed` that names those that are not."""
    if not nodes:
        return
    deadline, stop = Deadline(seconds), threading.Event()
    with ThreadPoolExecutor(len(nodes)) as pool:
        try:
            wait = partial(_wait_for_one, deadline=deadline, stop=stop)
            results = list(pool.map(wait, nodes))
        finally:
            stop.set()  # an interrupt of ours must not wait for the hosts
    if late := [f"{node.name} ({why})" for node, why in zip(nodes, results, strict=True) if why]:
        raise DeadlinePassed(
            f"not ready within {seconds:.0f} s: {', '.join(late)}",
            cure=f"Read {nodes[0].dir.parent}/<host>/console.log and bmc/log beside it.",
        )


def _wait_for_one(node: NodeLayout, deadline: Deadline, stop: threading.Event) -> str:
    """What the host still lacks at the deadline; empty when it is ready, or after `stop`."""
    for lacking, answers in (("no ssh", _ssh_banner), ("no docker", _docker_answers)):
        ready = partial(_stopped_or, answers, node, stop)
        try:
            wait_for(ready, what=lacking, deadline=deadline, interval=_POLL)
        except DeadlinePassed:
            return lacking
    return ""


def _stopped_or(
    answers: Callable[[NodeLayout], bool], node: NodeLayout, stop: threading.Event
) -> bool:
    return stop.is_set() or answers(node)


def _ssh_banner(node: NodeLayout) -> bool:
    with contextlib.suppress(OSError):
        address = (node.addresses["mgmt"], 22)
        with socket.create_connection(address, timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    return False


def _docker_answers(node: NodeLayout) -> bool:
    """Ask dockerd through the host's own socket.

    systemd holds that socket from early on and starts dockerd behind it, so one request waits for
    the answer; there is no polling of a machine that is busy booting.
    """
    with contextlib.suppress(OSError, ValueError):
        init = init_pid(int(node.host_pid_file.read_text()))
        path = Path(f"/proc/{init}/root/run/docker.sock")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in connection.recv(64)
    return False
