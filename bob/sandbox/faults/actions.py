"""Put faults into a sandbox, take them out, list them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bob import logs
from bob.errors import BobError, UsageError
from bob.sandbox.faults import store, switch
from bob.sandbox.faults.base import Fault
from bob.sandbox.faults.store import Record
from bob.sandbox.record import Sandbox


def inject(sandbox: Sandbox, fault: Fault) -> Record | None:
    """Bring `fault` into force and return its record; None when it was over at once (power on).

    It is recorded before it is applied, so that a crash in between cannot hide it. An attempt that
    fails is undone; only when that fails too does it stay recorded.
    """
    with store.locked(sandbox):
        fault.check(sandbox)
        record = Record.of(fault)
        others = [old for old in store.read(sandbox) if old.id != fault.id]
        store.write(sandbox, [*others, record])
        try:
            fault.apply(sandbox)
        except Exception:
            fault.undo(sandbox)
            store.write(sandbox, others)
            raise
        _settle_carriers(sandbox, [*others, record])
        if fault.over(sandbox):
            store.write(sandbox, others)
            return None
        return record


def clear(sandbox: Sandbox, ids: Collection[str] | None = None) -> list[str]:
    """Undo the faults of these ids, or all; return the ids undone, the newest fault first.

    The newest goes first since it may stand in the way of undoing an older one: a BMC that hangs
    cannot power a host on. Every fault is tried; then the first error is raised. Raises
    `UsageError` and undoes nothing when an id is unknown.
    """
    with store.locked(sandbox):
        records = store.read(sandbox)
        if unknown := set(ids or ()) - {record.id for record in records}:
            raise _no_such_fault(sorted(unknown), records)
        done: list[str] = []
        errors: list[BobError] = []
        for record in reversed(records):
            if ids is not None and record.id not in ids:
                continue
            try:
                record.fault().undo(sandbox)
            except BobError as error:
                logs.get().error("fault not undone", fault=record.id, error=str(error))
                errors.append(error)
                continue
            left = [other for other in store.read(sandbox) if other.id != record.id]
            _settle_carriers(sandbox, left)
            store.write(sandbox, left)
            done.append(record.id)
        if errors:
            raise errors[0]
        return done


def in_force(sandbox: Sandbox) -> list[Record]:
    """The faults in force, oldest first.

    One that ended by itself is left out, but stays recorded, so that clearing it is no error.
    """
    return [record for record in store.read(sandbox) if not record.fault().over(sandbox)]


def _settle_carriers(sandbox: Sandbox, records: Sequence[Record]) -> None:
    """Switch a port off when any fault wants that: two on one port must not undo each other."""
    switch.set_carriers(
        sandbox, off={port for record in records for port in record.fault().dark_ports(sandbox)}
    )


def _no_such_fault(unknown: list[str], records: list[Record]) -> UsageError:
    known = ", ".join(record.id for record in records)
    return UsageError(
        f"no fault {', '.join(unknown)} is in force",
        cure=f"In force: {known}." if known else "No fault is in force at all.",
    )
