"""`bob add-node`: bare hosts become members, or come back after they were installed anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from bob import console
from bob.commands._cluster import ClusterOption, load_context
from bob.commands._new_nodes import Options, block, new_nodes
from bob.commands._wish import DetachOption
from bob.console import Format, OutputOption, YesOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bob.context import Context
    from bob.ops.record import Operation
    from bob.ops.view import ClusterView
    from inventory import Node, Ssh

KIND = "add-node"
SCHEMA = "bob/add-node/1"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(KIND)(add_node)


def add_node(
    names: Annotated[list[str], typer.Argument(help="The new nodes.", metavar="NODE...")],
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="The inventory that describes them.")
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(metavar="NETWORK=IP", help="Without a file: an address, once per network."),
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Without a file: the failure domain.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="Without a file: what it is for, like compute.")
    ] = None,
    bmc: Annotated[
        str | None, typer.Option(metavar="USER@IP", help="Without a file: its BMC.")
    ] = None,
    bmc_password_file: Annotated[
        Path | None, typer.Option(help="File that holds nothing but the password of the BMC.")
    ] = None,
    cluster: ClusterOption = None,
    yes: YesOption = False,
    detach: DetachOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Bring bare hosts into the cluster; several at once join side by side.

    Your own SSH login is used to look at them and to let the robot's key in. The robot does the
    rest, and takes its key away again.
    """
    from bob.commands._watch import attend, unfinished
    from bob.ops.sense import sense

    options = Options(address or (), zone, role or (), bmc, bmc_password_file)
    context = load_context(cluster)
    nodes, ssh = new_nodes(context, names, file, options)
    view = sense({net: context.consul(net) for net in context.networks}, context.nomad())
    done, begun, new = sort_out(context, view, nodes)
    if new:
        begun |= bring_in(context, view, new, ssh, yes=yes)
    if detach and begun:
        _emit(context, nodes, done, begun, output)
        raise unfinished(next(iter(begun.values())).id)
    begun = {name: attend(context, operation.id) for name, operation in begun.items()}
    _emit(context, nodes, done, begun, output)
    _raise_first(begun.values())
    if options.given and begun:
        lines = escape(block(nodes[0]))
        console.err.print(f"Add this below [bold]nodes[/] of your inventory:\n{lines}", end="")


def sort_out(
    context: Context, view: ClusterView, nodes: Sequence[Node]
) -> tuple[dict[str, str], dict[str, Operation], list[Node]]:
    """Nodes with nothing to do and why, those that are joining now, and the others.

    Raises `UsageError` or `PreflightRefused` when one of the others cannot join.
    """
    from bob.ops.joining import candidate
    from bob.ops.joining.wanted import with_node

    done: dict[str, str] = {}
    begun: dict[str, Operation] = {}
    new: list[Node] = []
    inventory = view.cluster
    for node in nodes:
        candidate.refuse_unlawful(inventory, node)
        inventory = with_node(inventory, node)
        if reason := candidate.member_reason(view, node):
            done[node.name] = reason
        elif same := _under_way(context, view, node):
            console.err.print(f"{node.name} joins already, by operation {same.id}.")
            begun[node.name] = same
        else:
            candidate.refuse_member(view, node, again=True)  # the host will say whether it is so
            new.append(node)
    return done, begun, new


def _under_way(context: Context, view: ClusterView, node: Node) -> Operation | None:
    """The operation that brings this very node in."""
    from bob.ops.consul_store import ConsulStore
    from bob.ops.joining.wanted import Wanted
    from bob.ops.kind import Request
    from bob.ops.submit import refuse_held

    scope = f"node/{node.name}"
    if not (holder := view.held.get(scope)):
        return None
    store = ConsulStore(context.consul())
    try:
        found, _ = store.read(holder)
    except KeyError:  # it has just ended
        return None
    if found.kind == KIND:
        wanted = Wanted.of(Request(found.kind, found.target, found.params))
        if wanted.node.addresses == node.addresses:
            return found
    refuse_held(store, (scope,))
    return None


def bring_in(
    context: Context, view: ClusterView, nodes: Sequence[Node], ssh: Ssh, *, yes: bool
) -> dict[str, Operation]:
    """Look at the hosts, ask, let the robot's key in, and record an operation for each."""
    from bob.ops.consul_store import ConsulStore
    from bob.ops.init.context import make_fleet
    from bob.ops.joining import approach
    from bob.ops.kind import Request, kind_of
    from bob.ops.submit import submit

    secrets, claim = context.secrets(), approach.claim_of(context.folder, context.cluster)
    reached = view.cluster.model_copy(update={"nodes": tuple(nodes), "ssh": ssh})
    fleet = make_fleet(reached, context.folder)
    names = ", ".join(node.name for node in nodes)
    try:
        with console.err.status(f"looking at {names}"):
            seen, warnings = approach.look(fleet, view, nodes, claim)
        requests = []
        for node in nodes:
            wanted = approach.wanted(view, node, fleet[node.name], seen[node.name], claim)
            requests.append(Request(KIND, node.name, wanted.params()))
            kind_of(KIND).check(requests[-1], view)
        for warning in warnings:
            console.err.print(f"[yellow]warning:[/] {escape(warning)}")
        console.confirm(f"Add {names} to the cluster {context.cluster}?", yes=yes)
        with console.err.status(f"preparing {names}"):
            for name, lack in approach.furnish(fleet, view.services, view.catalogue).items():
                for line in lack.lines(name):
                    console.err.print(f"  [green]+[/] {escape(line)}")
        store, begun = ConsulStore(context.requests()), {}
        for request in requests:
            with approach.let_in(fleet[request.target], view.cluster, secrets):
                begun[request.target] = submit(store, request, view).operation
        return begun
    finally:
        fleet.close()


def _emit(
    context: Context,
    nodes: Sequence[Node],
    done: dict[str, str],
    operations: dict[str, Operation],
    output: Format,
) -> None:
    found: list[dict[str, Any]] = []
    sentences = []
    for node in nodes:
        operation = operations.get(node.name)
        document = operation.model_dump(mode="json") if operation else None
        reason = done.get(node.name, "")
        found.append({"node": node.name, "done": reason, "operation": document})
        sentences.append(
            f"{KIND} {node.name}: {operation.state}  ({operation.id})"
            if operation
            else f"{reason}; nothing to do."
        )
    view = {"schema": SCHEMA, "cluster": context.cluster, "nodes": found}
    console.emit(view, output, lambda: console.out.print(escape("\n".join(sentences))))


def _raise_first(operations: Any) -> None:
    from bob.ops.watch_text import failure

    for operation in operations:
        if error := failure(operation):
            raise error
