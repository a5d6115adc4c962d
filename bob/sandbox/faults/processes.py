"""Processes of an emulated host, found by the host's control group.

The machine sees them all in its own /proc. A path in /proc/PID/cgroup, in any hierarchy and with
cgroup v1 and v2 alike, names sandbox, host and unit: /bob-NAME/n2/payload/system.slice/x.service.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bob.errors import BobError, DeadlinePassed, UsageError
from bob.sandbox.layout import NodeLayout

_UNIT = re.compile(r"\.(service|scope|socket|mount|slice)$")
_COMM_LENGTH = 15  # the kernel keeps no more of a process name
_COMMAND_SECONDS = 60.0


@dataclass(frozen=True)
class HostProcess:
    """One process inside a host."""

    pid: int
    """On the machine."""
    inner_pids: tuple[int, ...]
    """In the host, and in a container of the host if it runs in one."""
    cgroups: tuple[str, ...]
    """Its path in every hierarchy, below the host's own control group."""
    name: str
    """Last part of the program's path, or the kernel's name for it."""
    state: str
    """R, S, D, T (stopped), Z …"""

    def matches(self, pattern: str) -> bool:
        """A systemd unit by its full name (`ssh.service`), else a process by its exact name."""
        if is_unit(pattern):
            return any(pattern in path.split("/") for path in self.cgroups)
        return self.name == pattern


def is_unit(pattern: str) -> bool:
    """Whether the pattern names a systemd unit."""
    return _UNIT.search(pattern) is not None


def of_host(node: NodeLayout) -> list[HostProcess]:
    """All processes that live inside the host. None when it is powered off."""
    return [process for process in _all(node) if process.state != "Z"]


def matching(node: NodeLayout, pattern: str) -> list[HostProcess]:
    """The processes of the host that belong to a unit, or have a name."""
    return [process for process in of_host(node) if process.matches(pattern)]


def init(node: NodeLayout) -> HostProcess | None:
    """The host's process 1; None when the host is powered off."""
    for process in of_host(node):
        if process.inner_pids == (1,):
            return process
    return None


def require_init(node: NodeLayout) -> HostProcess:
    """The host's process 1. Raises `UsageError` when the host is powered off."""
    if found := init(node):
        return found
    raise UsageError(
        f"{node.name} is powered off",
        cure=f"bob sandbox fault power {node.name} on --name {node.sandbox}",
    )


def send(processes: Iterable[HostProcess], number: signal.Signals) -> None:
    """Signal them all; who is gone already does not matter."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def execute(node: NodeLayout, command: Sequence[str]) -> str:
    """Run a command inside the running host as root, return its stdout. Raises `BobError`."""
    pid = require_init(node).pid
    enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
    try:
        return subprocess.run(
            [*enter, *command], text=True, capture_output=True, timeout=_COMMAND_SECONDS, check=True
        ).stdout
    except subprocess.TimeoutExpired as error:
        raise DeadlinePassed(
            f"{command[0]} in {node.name} took over {_COMMAND_SECONDS:.0f} s"
        ) from error
    except subprocess.CalledProcessError as error:
        raise BobError(f"{' '.join(command)} in {node.name}: {error.stderr.strip()}") from error


def _all(node: NodeLayout) -> Iterator[HostProcess]:
    mark = f"/{node.cgroup}/"
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            inside = tuple(
                line.partition(mark)[2]
                for line in (folder / "cgroup").read_text().splitlines()
                if mark in line
            )
            if not inside:
                continue
            status = dict(
                line.split(":\t", 1) for line in (folder / "status").read_text().splitlines()
            )
            pids = tuple(int(pid) for pid in status["NSpid"].split())
            if len(pids) > 1:  # else it is the container manager, outside of the host
                name = _name(folder, status["Name"])
                yield HostProcess(pids[0], pids[1:], inside, name, status["State"][0])


def _name(folder: Path, comm: str) -> str:
    """The kernel's name, completed from the program's arguments where the kernel cut it off."""
    if len(comm) < _COMM_LENGTH:
        return comm
    first = (folder / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
    program = first.rpartition("/")[2]
    return program if program.startswith(comm) else comm
