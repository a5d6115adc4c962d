"""A sandbox with the operator's side of it: runs `bob` as an operator would, in a private state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bob.clients.ssh import Login
from bob.errors import DeadlinePassed
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

Factory = Callable[[str, int], Sandbox]  # a word for its name, a number of hosts
DEGRADED = 9
SOUND = 60.0  # seconds for a cluster that was made or mended a moment ago
LONG = 300.0  # seconds; generous, since machines that run these tests are slow and shared


def login(sandbox: Sandbox, node: str = "n1", **changed: Any) -> Login:
    """How Bob reaches a host of a sandbox; `changed` are fields that a test wants otherwise."""
    values: dict[str, Any] = {
        "name": node,
        "address": sandbox.node(node).addresses["mgmt"],
        "key": sandbox.layout.ssh_key,
        "pins": sandbox.layout.known_hosts,
        "strict": True,
    }
    return Login(**(values | changed))


def await_none(look: Callable[[], list[str]], what: str, deadline: float) -> None:
    """Look until nothing is left; an `AssertionError` tells what is after `deadline` seconds."""
    left: list[str] = []

    def none() -> bool:
        left[:] = look()
        return not left

    try:
        wait_for(none, what=what, deadline=deadline, interval=1.0)
    except DeadlinePassed:
        raise AssertionError(f"{what}: {left}") from None


def power(sandbox: Sandbox, nodes: Iterable[str], action: str) -> None:
    """Switch hosts "on" or "off" at their BMCs, and wait until both say that it is so.

    A BMC that has not noticed yet that its host is off takes no order to switch it on.
    """
    names, on = list(nodes), action == "on"

    def reached() -> bool:
        late = [name for name in names if sandbox.bmc(name).is_on() != on]
        for name in late:
            sandbox.bmc(name).power(action)
        return not late and all((sandbox.power(name) != "off") == on for name in names)

    wait_for(reached, what=f"{', '.join(names)} {action}", deadline=LONG, interval=0.2)


@dataclass(frozen=True)
class Lab:
    """Emulated hosts and a folder that stands for the operator's home."""

    sandbox: Sandbox
    state: Path

    @property
    def inventory(self) -> Path:
        """The inventory of the hosts."""
        return self.sandbox.layout.inventory

    @property
    def folder(self) -> Path:
        """What the operator keeps of the cluster."""
        return self.state / "clusters" / self.sandbox.name

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the operator's commands."""
        return {**os.environ, "BOB_STATE": str(self.state), "COLUMNS": "160"}

    def command(self, *words: str) -> list[str]:
        """The argv of a bob command."""
        return [sys.executable, "-m", "bob", *words]

    def bob(
        self, *words: str, code: int = 0, seconds: float = LONG
    ) -> subprocess.CompletedProcess[str]:
        """Run `bob WORDS…` and expect this exit code."""
        result = subprocess.run(
            self.command(*words), capture_output=True, text=True, env=self.environment,
            stdin=subprocess.DEVNULL, timeout=seconds,
        )  # fmt: skip
        assert result.returncode == code, f"{words}: {result.returncode}\n{result.stderr}"
        return result

    def init(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `bob init` on the sandbox's inventory."""
        return self.bob("init", "-f", str(self.inventory), "--yes", *words, code=code)

    def status(self, code: int | None = None) -> dict[str, Any]:
        """What `bob status -o json` says; any of its exit codes unless one is demanded."""
        result = subprocess.run(
            self.command("status", "-o", "json", "--cluster", self.sandbox.name),
            capture_output=True, text=True, env=self.environment, timeout=LONG,
        )  # fmt: skip
        wanted = (0, DEGRADED) if code is None else (code,)
        assert result.returncode in wanted, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        assert found["healthy"] == (result.returncode == 0)
        return found

    def sound(self) -> dict[str, Any]:
        """What `bob status -o json` says once nothing is wrong.

        Autopilot judges a server anew every two seconds: one look proves no lasting fault.
        """

        def judged() -> dict[str, Any] | None:
            found = self.status()
            return found if found["healthy"] else None

        return wait_for(judged, what="a healthy cluster", deadline=SOUND, interval=0.5)

    def healthy(self) -> bool:
        """True when the cluster has nothing to complain about."""
        return bool(self.status()["healthy"])

    def on(self, node: str, script: str, *, check: bool = True) -> str:
        """Output of a shell script on a host, run as root."""
        return self.run(node, ["sh", "-c", script], check=check)

    def run(self, node: str, argv: Sequence[str], *, check: bool = True) -> str:
        """Output of a command on a host."""
        result = subprocess.run(
            self.sandbox.ssh_command(node, list(argv)), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
        assert not check or result.returncode == 0, f"{node}: {argv}: {result.stderr}"
        return result.stdout
