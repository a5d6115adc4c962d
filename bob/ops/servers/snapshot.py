"""Copies of all rafts on the leader's own disk, before any change of the quorum.

/var/lib/bob/agent/snapshots/<operation>.<raft>.snap     0600: a snapshot holds every secret
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from bob.ops.context import OperationContext
from bob.ops.states import StepState
from bob.ops.step import DONE, Probe, Step, needed
from bob.provision.agents import BOB_DATA_DIR, NOMAD_UNIT, consul_agent
from bob.provision.private_files import private_folder
from bob.waiting import Deadline

FOLDER = Path(BOB_DATA_DIR) / "snapshots"
ENDING = ".snap"
KEPT = 5  # operations; a snapshot is of the size of the state, a few megabytes


class Snapshot(Step[OperationContext]):
    """Once taken it is not taken again by another leader: the time is what makes it worth."""

    name = "snapshot"
    title = "Keep a snapshot of Consul and Nomad"

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def probe(self, context: OperationContext) -> Probe:
        if context.operation.step(self.name).state is StepState.DONE:
            return DONE
        missing = [name for name in _rafts(context) if not self._path(context, name).exists()]
        return needed(f"none of {', '.join(missing)} yet") if missing else DONE

    def apply(self, context: OperationContext, deadline: Deadline) -> None:
        private_folder(self._folder)
        for name, save in _rafts(context).items():
            write_whole(self._path(context, name), save)
        for path in outdated(self._folder.glob(f"*{ENDING}"), KEPT):
            path.unlink(missing_ok=True)

    def _path(self, context: OperationContext, raft: str) -> Path:
        return self._folder / f"{context.operation.id}.{raft}{ENDING}"


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Make a private file by `write`; it has its name only when it is complete and on disk."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w+b") as sink:
        write(sink)
        sink.flush()
        os.fsync(sink.fileno())
    part.replace(path)


def outdated(paths: Iterable[Path], kept: int) -> list[Path]:
    """The files of all but the last `kept` operations; their ids sort by time."""
    found = list(paths)
    operations = sorted({path.name.partition(".")[0] for path in found})
    old = set(operations[:-kept])
    return [path for path in found if path.name.partition(".")[0] in old]


def _rafts(context: OperationContext) -> dict[str, Callable[[BinaryIO], None]]:
    consul = {
        consul_agent(network).unit: client.operator.save_snapshot
        for network, client in context.networks.items()
    }
    return {**consul, NOMAD_UNIT: context.nomad.operator.save_snapshot}
