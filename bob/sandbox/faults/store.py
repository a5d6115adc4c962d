"""faults.json: the faults in force, in the order in which they came.

A list of {id, kind, target, arguments, since}. It is replaced as a whole and atomically, so it can
be read without the lock; whoever changes it, or a fault, holds the lock.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from bob.errors import BobError
from bob.sandbox.faults import registry
from bob.sandbox.faults.base import Fault
from bob.sandbox.record import Sandbox
from bob.waiting import wait_for

LOCK_SECONDS = 60.0  # a power cycle with a hanging BMC is the longest thing done under the lock


class Record(BaseModel):
    """One line of the list."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    target: str
    arguments: dict[str, Any]
    since: str
    """When it was recorded: ISO 8601, UTC."""

    @classmethod
    def of(cls, fault: Fault) -> Record:
        """The record of a fault that begins now."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return cls(
            id=fault.id,
            kind=fault.kind,
            target=" ".join(fault.target),
            arguments=fault.arguments(),
            since=now,
        )

    def fault(self) -> Fault:
        """The fault that was recorded."""
        return registry.make(self.kind, self.arguments)


_LIST = TypeAdapter(list[Record])


def read(sandbox: Sandbox) -> list[Record]:
    """The recorded faults, oldest first."""
    try:
        return _LIST.validate_json(sandbox.layout.faults.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError as error:
        raise BobError(
            f"{sandbox.layout.faults} is damaged: {error.errors(include_url=False)[0]['msg']}",
            cure=f"Take the sandbox down and up again: bob sandbox down --name {sandbox.name}",
        ) from error


def write(sandbox: Sandbox, records: Sequence[Record]) -> None:
    """Replace the list. It is on the disk when this returns."""
    new = sandbox.layout.faults.with_suffix(".new")
    with new.open("w") as file:
        json.dump([record.model_dump() for record in records], file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    new.replace(sandbox.layout.faults)


@contextlib.contextmanager
def locked(sandbox: Sandbox) -> Iterator[None]:
    """Only one process at a time changes the faults of a sandbox."""
    with sandbox.layout.faults.with_suffix(".lock").open("w") as file:
        wait_for(
            lambda: _try_lock(file.fileno()),
            what=f"another command stops changing the faults of sandbox {sandbox.name!r}",
            deadline=LOCK_SECONDS,
            interval=0.02,
        )
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
