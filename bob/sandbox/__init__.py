"""Emulated hosts on one Linux machine: see `layout` for what a sandbox consists of.

    sandbox = up("demo", 3)
    subprocess.run(sandbox.ssh_command("n1", ["uptime"]))
    sandbox.bmc("n1").power("off")
    down("demo")

Imports are inside the functions: each host's mainboard imports this package and must stay small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bob.sandbox.record import Sandbox


def _silent(_: str) -> None:
    """Say nothing."""


def up(name: str, nodes: int | None = None, say: Callable[[str], None] = _silent) -> Sandbox:
    """Bring up or complete a sandbox; return when all its hosts are ready."""
    from bob.sandbox import lifecycle

    return lifecycle.up(name, nodes, say)


def down(name: str, say: Callable[[str], None] = _silent) -> bool:
    """Remove all of a sandbox. False when there was nothing."""
    from bob.sandbox import lifecycle

    return lifecycle.down(name, say)


def load(name: str) -> Sandbox:
    """A sandbox that exists. Raises `UsageError` when there is none of that name."""
    from bob.sandbox.record import Sandbox

    return Sandbox.load(name)
