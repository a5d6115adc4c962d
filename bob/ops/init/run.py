"""One run of `bob init`: take up the operation that is there or record a new one, and run it."""

from __future__ import annotations

import fcntl
import getpass
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bob
from bob import logs, paths
from bob.errors import GuardRefused, ScopeHeld
from bob.ops.engine import Engine, Observer
from bob.ops.file_store import FileStore
from bob.ops.init import existing
from bob.ops.init.context import InitContext, make_fleet
from bob.ops.init.steps import STEPS
from bob.ops.record import Operation, new_id, records_of
from bob.ops.states import StepState
from bob.provision.install import Binary
from bob.provision.private_files import private_folder
from inventory import Cluster

KIND = "init"
SCOPE = "control-plane"
INVENTORY_CHANGE = "inventory-change"
FIRST_CHANGE = "claim"  # the first step that changes a host


def init(
    cluster: Cluster, binaries: Sequence[Binary], observer: Observer, accepted: Collection[str] = ()
) -> tuple[Operation, InitContext]:
    """Make `cluster` of its hosts, or go on with it. Returns the record and the context.

    A cluster that its robot has changed since is left alone.

    Raises `ScopeHeld` when another process does the same now, `GuardRefused` when the inventory
    is not the one that was begun with, or not the one that the cluster has been given since, and
    the error of the step that failed.
    """
    folder = private_folder(paths.cluster_dir(cluster.name))
    with alone(folder, cluster.name):
        store = FileStore(folder / "ops")
        untouched = _looked_after(store, cluster)
        operation = untouched or take_up(store, cluster, accepted)
        context = InitContext(
            cluster, folder, tuple(binaries), make_fleet(cluster, folder), store, operation.id
        )
        if untouched:
            context.warnings.append(
                "its robot has changed this cluster since bob init, so the hosts are left as they "
                "are; bob plan shows what differs from the inventory"
            )
            return untouched, context
        try:
            return Engine(store, STEPS, observer).run(operation.id, context), context
        finally:
            context.fleet.close()


def _looked_after(store: FileStore, cluster: Cluster) -> Operation | None:
    """The last `bob init`, when the robot has changed since what that made."""
    previous = [operation for operation in store.list() if operation.kind == KIND]
    if not previous or store.active(SCOPE) is not None:
        return None
    found = existing.look(cluster.name)
    if found is None:
        return None
    existing.refuse_changed(cluster, found)
    reason = existing.reshaped(cluster, found)
    if reason:
        logs.get().info("left alone", reason=reason)
    return previous[-1] if reason else None


def take_up(store: FileStore, cluster: Cluster, accepted: Collection[str]) -> Operation:
    """The unfinished operation of this cluster, or a new one, for the inventory as it is now."""
    active = store.active(SCOPE)
    if active is None:
        previous = [operation for operation in store.list() if operation.kind == KIND]
        if previous:
            _guard_inventory(previous[-1], cluster, accepted)
        operation = Operation(
            id=new_id(),
            kind=KIND,
            target=cluster.name,
            scopes=(SCOPE,),
            inventory=cluster.digest(),
            requested_by=f"{getpass.getuser()}@{socket.gethostname()}",
            bob_version=bob.__version__,
            accepted=tuple(accepted),
            steps=records_of(STEPS),
        )
        store.create(operation)
        return operation
    operation, version = store.read(active)
    if operation.step(FIRST_CHANGE).state is not StepState.PENDING:
        _guard_inventory(operation, cluster, accepted)
    changed = operation.model_copy(
        update={
            "inventory": cluster.digest(),
            "bob_version": bob.__version__,
            "accepted": tuple(sorted({*operation.accepted, *accepted})),
        }
    )
    store.write(changed, version)
    return changed


def _guard_inventory(operation: Operation, cluster: Cluster, accepted: Collection[str]) -> None:
    if operation.inventory != cluster.digest() and INVENTORY_CHANGE not in accepted:
        raise GuardRefused(
            f"the inventory of {cluster.name} changed since operation {operation.id} "
            "put the hosts to work",
            cure="Go on with the inventory of that time, or accept the new one with "
            f"--accept {INVENTORY_CHANGE}: nodes that it no longer names are left as they are.",
        )


@contextmanager
def alone(folder: Path, cluster: str) -> Iterator[None]:
    """One `bob init` or `bob reset` of a cluster at a time; the kernel ends the lock with us."""
    with (folder / "init.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ScopeHeld(
                f"another bob init or bob reset of {cluster} runs on this machine",
                cure="Wait for it; the same command then shows what is left to do.",
            ) from None
        yield
