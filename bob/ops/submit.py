"""Record a wish for the robot, or find the same one that is under way."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass

import bob
from bob.errors import ScopeHeld
from bob.ops.consul_store import ConsulStore
from bob.ops.kind import Request, kind_of, refuse_guarded
from bob.ops.record import Operation, new_id, records_of
from bob.ops.view import ClusterView


@dataclass(frozen=True)
class Submitted:
    """The operation, whether it was there before, and what the operator should know."""

    operation: Operation
    attached: bool
    warnings: tuple[str, ...] = ()


def submit(
    store: ConsulStore, request: Request, view: ClusterView, requested_by: str = ""
) -> Submitted:
    """Record `request`. Nothing is recorded when it is refused.

    Raises what the kind's check raises, `GuardRefused`, and `ScopeHeld` when another operation
    works on the same; an unfinished operation with the same wish is returned instead.
    """
    kind = kind_of(request.kind)
    scopes = kind.scopes(request, view)
    if same := under_way(store, request, scopes):
        return Submitted(same, attached=True)
    kind.check(request, view)
    guards = tuple(kind.guards(request, view))
    refuse_guarded(guards, request.accepted)
    operation = Operation(
        id=new_id(),
        kind=kind.name,
        target=request.target,
        scopes=scopes,
        inventory=view.cluster.digest(),
        requested_by=requested_by or f"{getpass.getuser()}@{socket.gethostname()}",
        bob_version=bob.__version__,
        accepted=tuple(guard.name for guard in guards),
        params=dict(request.params),
        steps=records_of(kind.steps(request)),
    )
    try:
        store.create(operation)
    except ScopeHeld:
        if same := under_way(store, request, scopes):  # two operators wished the same at once
            return Submitted(same, attached=True)
        refuse_held(store, scopes)
        raise
    return Submitted(operation, attached=False, warnings=tuple(kind.warnings(request, view)))


def under_way(store: ConsulStore, request: Request, scopes: tuple[str, ...]) -> Operation | None:
    """The unfinished operation with the same wish."""
    for scope in scopes:
        if holder := store.active(scope):
            try:
                found, _ = store.read(holder)
            except KeyError:  # it has just been trimmed
                return None
            wish = (found.kind, found.target, found.params)
            return found if wish == (request.kind, request.target, dict(request.params)) else None
    return None


def refuse_held(store: ConsulStore, scopes: tuple[str, ...], target: str | None = None) -> None:
    """Raise `ScopeHeld` that tells which operation works on one of `scopes`.

    With `target` only one that is about the same node, service or cluster counts.
    """
    for scope in scopes:
        if holder := store.active(scope):
            try:
                found, _ = store.read(holder)
            except KeyError:  # it has just been trimmed
                continue
            if target not in (None, found.target):
                continue
            raise ScopeHeld(
                f"{scope} is held by {found.kind} {found.target} ({found.state}, operation "
                f"{found.id}, wished by {found.requested_by or 'somebody'})",
                cure=f"Wait for it (bob op watch {found.id}), then try again.",
            )
