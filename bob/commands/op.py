"""`bob op`: see operations, and tell a recorded one to pause, go on, try again or be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bob import console
from bob.commands._cluster import ClusterOption, load_context
from bob.commands._operation_view import SCHEMA, draw_list, draw_record, print_operation
from bob.commands._watch import TimeoutOption, attend, finish, unfinished
from bob.commands._wish import DetachOption
from bob.console import Format, OutputOption, YesOption

if TYPE_CHECKING:
    from bob.clients.consul import Consul
    from bob.context import Context
    from bob.ops.consul_store import ConsulStore
    from bob.ops.orders import Order
    from bob.ops.record import Operation

LIST_SCHEMA = "bob/operations/1"
RECENT = 10

IdArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="Id of an operation, its beginning or its end, or `last`."),
]

app = typer.Typer(no_args_is_help=True, help="See operations and control them.")


def register(parent: typer.Typer) -> None:
    """Add `bob op …`."""
    parent.add_typer(app, name="op")


@app.command("ls")
def list_operations(
    limit: Annotated[int, typer.Option(min=0, help="How many finished ones.")] = RECENT,
    every: Annotated[bool, typer.Option("--all", help="All that are remembered.")] = False,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """List the operations that are not finished and the latest others, newest first."""
    from bob.ops.states import FINISHED

    context = load_context(cluster)
    known = sorted(_store(context.consul()).list(), key=lambda o: o.id, reverse=True)
    recent = [operation for operation in known if operation.state in FINISHED]
    kept = {operation.id for operation in (recent if every else recent[:limit])}
    shown = [o for o in known if o.state not in FINISHED or o.id in kept]
    view = {
        "schema": LIST_SCHEMA,
        "cluster": context.cluster,
        "operations": [operation.model_dump(mode="json") for operation in shown],
        "left_out": len(known) - len(shown),
    }
    console.emit(view, output, lambda: draw_list(shown, len(known) - len(shown)))


@app.command()
def show(
    id: IdArgument = "last", cluster: ClusterOption = None, output: OutputOption = Format.TEXT
) -> None:
    """Show one operation with its steps."""
    context, operation = _find(cluster, id)
    view = {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "operation": operation.model_dump(mode="json"),
    }
    console.emit(view, output, lambda: draw_record(operation))


@app.command("watch")
def watch_operation(
    id: IdArgument = "last",
    timeout: TimeoutOption = None,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Look on until an operation is over, and end with its exit code; Ctrl-C leaves it alone."""
    context, operation = _find(cluster, id)
    made = attend(context, operation.id, timeout)
    finish(made, output, cluster=context.cluster)


@app.command()
def pause(
    id: IdArgument = "last", cluster: ClusterOption = None, output: OutputOption = Format.TEXT
) -> None:
    """Stop an operation where it is; it keeps what it holds until it goes on or is aborted."""
    from bob.ops.orders import Order

    _give(cluster, id, Order.PAUSE, output)


@app.command()
def resume(
    id: IdArgument = "last", cluster: ClusterOption = None, output: OutputOption = Format.TEXT
) -> None:
    """Let a paused operation go on."""
    from bob.ops.orders import Order

    _give(cluster, id, Order.RESUME, output)


@app.command()
def retry(
    id: IdArgument = "last",
    detach: DetachOption = False,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Let a failed operation go on at the step that failed, and look on."""
    from bob.ops.orders import Order

    context, operation = _give(cluster, id, Order.RETRY, Format.TEXT, quiet=True)
    if detach:
        print_operation(operation, output, cluster=context.cluster)
        raise unfinished(operation.id)
    finish(attend(context, operation.id), output, cluster=context.cluster)


@app.command()
def abort(
    id: IdArgument = "last",
    yes: YesOption = False,
    detach: DetachOption = False,
    cluster: ClusterOption = None,
    output: OutputOption = Format.TEXT,
) -> None:
    """Take back what an operation did, and look on. Refused after its point of no return."""
    from bob.ops.orders import Order, ordered
    from bob.ops.removal.local import forget_here
    from bob.ops.states import State

    context, operation = _find(cluster, id)
    ordered(operation, Order.ABORT)  # a refusal comes before the question
    name = f"{operation.kind} {operation.target} ({operation.id})"
    console.confirm(f"Take back {name}?", yes=yes)
    _, operation = _give(context.cluster, operation.id, Order.ABORT, Format.TEXT, quiet=True)
    if detach:
        print_operation(operation, output, cluster=context.cluster)
        raise unfinished(operation.id)
    made = attend(context, operation.id)
    if made.state is State.ABORTED:
        if made.kind == "add-node" and not made.params.get("again"):
            forget_here(context, made.target)  # what was learnt of it while it was joining
        print_operation(made, output, cluster=context.cluster)
    else:
        finish(made, output, cluster=context.cluster)


def _store(consul: Consul) -> ConsulStore:
    from bob.ops.consul_store import ConsulStore

    return ConsulStore(consul)


def _find(cluster: str | None, text: str) -> tuple[Context, Operation]:
    from bob.ops.orders import find

    context = load_context(cluster)
    return context, find(_store(context.consul()).list(), text)


def _give(
    cluster: str | None, text: str, order: Order, output: Format, *, quiet: bool = False
) -> tuple[Context, Operation]:
    """Find the operation, change its state, and say what it is now."""
    from bob.ops.orders import give

    context, found = _find(cluster, text)
    operation, changed = give(_store(context.requests()), found.id, order)
    if not changed and not quiet:
        console.err.print(f"It was {operation.state} already.")
    if not quiet:
        print_operation(operation, output, cluster=context.cluster, changed=changed)
    return context, operation
