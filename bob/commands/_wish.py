"""How a verb has the robot do something: judge the wish, ask, record it, look on.

Exit codes: 0 done or nothing to do, 1 it failed, 2 to 6 refused and nothing recorded, 7 the time
to look on is over, 8 left while the robot goes on (`--detach`, Ctrl-C).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import load_context
from bob.commands._operation_view import SCHEMA, print_operation
from bob.commands._watch import attend, finish, unfinished
from bob.console import Format

if TYPE_CHECKING:
    from bob.context import Context
    from bob.ops.kind import Kind, Request
    from bob.ops.submit import Submitted
    from bob.ops.view import ClusterView

AcceptOption = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="NAME", help="Pass the guard of this name; it is recorded."),
]
DetachOption = Annotated[
    bool, typer.Option("--detach", help="Record the wish and leave it to the robot (exit 8).")
]


def wish(
    kind: str,
    target: str,
    *,
    cluster: str | None = None,
    params: Mapping[str, Any] | None = None,
    accept: Iterable[str] | None = (),
    yes: bool = False,
    detach: bool = False,
    output: Format = Format.TEXT,
    question: str = "",
) -> None:
    """Have the robot do `kind` with `target`; returns when it is done, or was done already.

    `params` are JSON values and nothing secret. `question` is asked before anything is recorded;
    without one it is made of kind and target. Raises as the module says.
    """
    from bob.ops.kind import Request

    request = Request(kind, target, dict(params or {}), tuple(accept or ()))
    context = load_context(cluster)
    submitted = record(context, request, yes=yes, question=question)
    if isinstance(submitted, str):
        _say_done(context, submitted, output)
        return
    more = {"cluster": context.cluster, "attached": submitted.attached}
    if detach:
        print_operation(submitted.operation, output, **more)
        raise unfinished(submitted.operation.id)
    finish(attend(context, submitted.operation.id), output, **more)


def record(context: Context, request: Request, *, yes: bool, question: str = "") -> Submitted | str:
    """Judge, ask and record; or why there is nothing to do."""
    from bob.ops.consul_store import ConsulStore
    from bob.ops.kind import kind_of, refuse_guarded
    from bob.ops.sense import sense
    from bob.ops.submit import refuse_held, submit, under_way

    kind = kind_of(request.kind)
    store = ConsulStore(context.requests())
    view = sense({net: context.consul(net) for net in context.networks}, context.nomad())
    scopes = kind.scopes(request, view)
    if same := under_way(store, request, scopes):
        console.err.print(f"This is under way already, as operation {same.id}.")
        return submit(store, request, view)
    if reason := kind.done(request, view):
        refuse_held(store, scopes, request.target)  # what holds it may be about to change that
        return reason
    kind.check(request, view)
    guards = tuple(kind.guards(request, view))
    refuse_guarded(guards, request.accepted)
    refuse_held(store, scopes)
    _show(kind, request, view)
    console.confirm(question or f"{request.kind} {request.target}?", yes=yes)
    return submit(store, request, view)


def _say_done(context: Context, reason: str, output: Format) -> None:
    view = {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "attached": False,
        "done": reason,
        "operation": None,
    }
    console.emit(view, output, lambda: console.out.print(escape(f"{reason}; nothing to do.")))


def _show(kind: Kind, request: Request, view: ClusterView) -> None:
    """What would happen, before it is asked for."""
    console.err.print(f"[bold]{escape(request.kind)} {escape(request.target)}[/]")
    for number, step in enumerate(kind.steps(request), start=1):
        final = " [dim](from here on it cannot be aborted)[/]" if step.final else ""
        console.err.print(f"  {number}. {escape(step.title)}{final}")
    for warning in kind.warnings(request, view):
        console.err.print(f"[yellow]warning:[/] {escape(warning)}")
    for guard in kind.guards(request, view):
        console.err.print(f"[yellow]accepted {escape(guard.name)}:[/] {escape(guard.reason)}")
