"""What a kind of task gets, and how kinds are found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bob.agent.machine import Machine
from bob.errors import Permanent
from bob.waiting import Deadline

TASK_SECONDS = 300.0  # four units that wait a minute each for the cluster, and some


@dataclass
class Work:
    """One task. `args` are JSON values; `payload` is what goes along that others must not read.

    `deadline` is the time for the whole task: `args["seconds"]`, or `TASK_SECONDS`.
    """

    node: str
    cluster: str
    args: Mapping[str, Any]
    payload: bytes | None
    deadline: Deadline
    machine: Machine
    say: Callable[[str], None]
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """Done when the result is written, in order: what would keep us from writing it."""
    end: Callable[[str], None] = lambda reason: None
    """Ends this process; systemd starts it anew. For `afterwards` only."""

    def names(self, argument: str) -> tuple[str, ...]:
        """A list of names among the arguments; empty when it is not given."""
        value = self.args.get(argument, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Permanent(f"{argument} is no list of names: {value!r}", cure="This is a bug.")
        return tuple(value)


Run = Callable[[Work], dict[str, Any]]


@cache
def kinds() -> Mapping[str, Run]:
    """All kinds by name: each module of `bob.agent.tasks` offers `NAME` and `run`.

    `run` makes something so, whatever was done before: a task is done again after a crash. It
    raises `Temporary` when another attempt may help.
    """
    import bob.agent.tasks

    found: dict[str, Run] = {}
    for module in pkgutil.iter_modules(bob.agent.tasks.__path__):
        if not module.name.startswith("_"):
            kind = importlib.import_module(f"bob.agent.tasks.{module.name}")
            found[kind.NAME] = kind.run
    return found
