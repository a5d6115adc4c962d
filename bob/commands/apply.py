"""`bob apply`: make the cluster as the inventory file says, one operation after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from bob import console
from bob.commands._inventory import DEFAULT_FILE, FileOption, load_cluster
from bob.commands._wish import AcceptOption
from bob.commands.plan import as_json, compare, draw_plan
from bob.console import Format, OutputOption, YesOption
from bob.errors import CHANGES_PENDING, ScopeHeld
from bob.waiting import Deadline, pause

if TYPE_CHECKING:
    from bob.context import Context
    from bob.ops.kind import Request
    from bob.ops.record import Operation

SCHEMA = "bob/apply/1"
HELD_SECONDS = 900.0  # the robot makes several servers one after another
LOOK_SECONDS = 2.0


def register(app: typer.Typer) -> None:
    """Add `bob apply`."""
    app.command("apply")(apply_plan)


def apply_plan(
    file: FileOption = DEFAULT_FILE,
    accept: AcceptOption = None,
    yes: YesOption = False,
    output: OutputOption = Format.TEXT,
) -> None:
    """Do what `bob plan` shows. Nodes join side by side; the rest is done one after another.

    It stops at the first failure and says what is left.
    """
    context, _, requests, by_hand = compare(file)
    if output is Format.TEXT:
        draw_plan(requests, by_hand)
    if requests:
        console.confirm(f"Do this to the cluster {context.cluster}?", yes=yes)
    made: list[Operation] = []
    left = list(requests)
    try:
        for part in _parts(requests, accept or ()):
            ended = _carry_out(context, file, part)
            made += ended
            left = _left(left, part, ended)
            _raise_first_failure(ended)
    finally:
        _emit(context, made, left, by_hand, output)
    if by_hand:
        raise typer.Exit(CHANGES_PENDING)


def _parts(requests: Sequence[Request], accept: Sequence[str]) -> Iterator[list[Request]]:
    """What is done at once: all nodes that join, then each other operation alone."""
    from bob.ops.plan import ADD

    if joining := [request for request in requests if request.kind == ADD]:
        yield joining
    for request in requests:
        if request.kind != ADD:
            yield [replace(request, accepted=tuple(accept))]


def _carry_out(context: Context, file: Path, part: list[Request]) -> list[Operation]:
    """Record the operations and look on to their end, whatever it is."""
    from bob.commands._watch import attend
    from bob.commands.upgrade import staged
    from bob.ops.plan import ADD, REMOVE, UPGRADE
    from bob.ops.removal.local import forget_here

    first = part[0]
    if first.kind == ADD:
        begun = _join(context, file, [request.target for request in part])
    else:
        if first.kind == UPGRADE:
            first = replace(first, params=staged(context, load_cluster(file), first.accepted))
        begun = _record(context, first)
    ended = [attend(context, operation.id) for operation in begun]
    if first.kind == REMOVE and not _failed(ended):
        forget_here(context, first.target)
    return ended


def _left(
    left: Sequence[Request], part: Sequence[Request], ended: Sequence[Operation]
) -> list[Request]:
    """What is still to do after a part; what needed no operation is done too."""
    failed = {operation.target for operation in _failed(ended)}
    targets = [(request.kind, request.target) for request in part if request.target not in failed]
    return [request for request in left if (request.kind, request.target) not in targets]


def _failed(ended: Sequence[Operation]) -> list[Operation]:
    from bob.ops.watch_text import failure

    return [operation for operation in ended if failure(operation)]


def _raise_first_failure(ended: Sequence[Operation]) -> None:
    from bob.ops.watch_text import failure

    for operation in ended:
        if error := failure(operation):
            raise error


def _record(context: Context, request: Request) -> list[Operation]:
    """Wait for what is in the way: the robot's own work may follow from the part before."""
    from bob.commands._wish import record

    deadline, told = Deadline(HELD_SECONDS), False
    while True:
        try:
            submitted = record(context, request, yes=True)
        except ScopeHeld as held:
            if deadline.passed():
                raise
            if not told:
                console.err.print(f"waiting: {escape(held.message)}")
            told = True
            pause(LOOK_SECONDS, deadline.clock)
        else:
            return [] if isinstance(submitted, str) else [submitted.operation]


def _join(context: Context, file: Path, names: list[str]) -> list[Operation]:
    from bob.commands._new_nodes import Options, new_nodes
    from bob.commands.add_node import bring_in, sort_out
    from bob.ops.sense import sense

    nodes, ssh = new_nodes(context, names, file, Options())
    view = sense({net: context.consul(net) for net in context.networks}, context.nomad())
    _, begun, new = sort_out(context, view, nodes)
    if new:
        begun |= bring_in(context, view, new, ssh, yes=True)
    return list(begun.values())


def _emit(
    context: Context,
    made: Sequence[Operation],
    left: Sequence[Request],
    by_hand: Sequence[str],
    output: Format,
) -> None:
    from bob.ops.plan import sentence

    view: dict[str, Any] = {
        "schema": SCHEMA,
        "cluster": context.cluster,
        "operations": [operation.model_dump(mode="json") for operation in made],
        "left": [as_json(request) for request in left],
        "by_hand": list(by_hand),
    }

    def draw() -> None:
        for operation in made:
            name = f"{operation.kind} {operation.target}"
            console.out.print(escape(f"{name}: {operation.state}  ({operation.id})"))
        for request in left:
            console.out.print(f"[yellow]left:[/] {escape(sentence(request))}")
        if not made and not left:
            console.out.print("Nothing to do.")

    console.emit(view, output, draw)
