"""Brings up sandboxes under names that tell which process of tests they belong to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness import Factory

import bob.sandbox
from bob.sandbox import record
from bob.sandbox.record import Sandbox

PREFIX = "test-"


@contextmanager
def sandboxes() -> Iterator[Factory]:
    """What brings up a sandbox from a word and a number of hosts; all go down at the end."""

    def bring_up(word: str, nodes: int) -> Sandbox:
        name = f"{PREFIX}{word}-{os.getpid()}"
        made.callback(bob.sandbox.down, name)
        return bob.sandbox.up(name, nodes)

    with ExitStack() as made:
        yield bring_up


def remove_orphans() -> None:
    """Take down the sandboxes of test runs that are no longer alive."""
    for name in record.names():
        process = name.removeprefix(PREFIX).rpartition("-")[2]
        if name.startswith(PREFIX) and not Path("/proc", process).exists():
            bob.sandbox.down(name)
