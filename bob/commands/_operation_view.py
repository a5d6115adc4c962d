"""Operations on the terminal: one, its steps, many."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from bob import console
from bob.console import Format

if TYPE_CHECKING:
    from bob.ops.record import Operation
    from bob.ops.watch import Sight

SCHEMA = "bob/operation/1"
MARKS = {"pending": " ", "running": "[cyan]…[/]", "done": "[green]✓[/]",
         "failed": "[red]✗[/]", "undone": "[yellow]↩[/]"}  # fmt: skip
COLOURS = {"done": "green", "failed": "red", "paused": "yellow", "aborted": "dim"}


def print_operation(operation: Operation, output: Format, **more: Any) -> None:
    """One operation on stdout: a document, or a sentence."""
    sentence = f"{operation.kind} {operation.target}: {operation.state}  ({operation.id})"
    view = {"schema": SCHEMA, **more, "operation": operation.model_dump(mode="json")}
    console.emit(view, output, lambda: console.out.print(escape(sentence)))


def screen(sight: Sight, now: float) -> RenderableType:
    """A watched operation at `now` (Unix time): its steps, and beneath what the robot says."""
    from bob.ops.watch_text import note

    said = note(sight, now)
    steps = _steps(sight.operation, datetime.datetime.fromtimestamp(now, datetime.UTC))
    return Group(_head(sight.operation), steps, f"[dim]{escape(said)}[/]" if said else "")


def draw_record(operation: Operation) -> None:
    """Everything that is recorded of one operation."""
    facts = {
        "wished by": operation.requested_by,
        "begun": f"{_begun(operation):%Y-%m-%d %H:%M:%S} UTC",
        "holds": ", ".join(operation.scopes),
        "with": ", ".join(f"{name}={value}" for name, value in operation.params.items()),
        "accepted": ", ".join(operation.accepted),
        "epoch": str(operation.epoch),
        "said": operation.said,
    }
    console.out.print(_head(operation))
    for name, value in facts.items():
        if value:
            console.out.print(f"  [dim]{name:10}[/]{escape(value)}")
    console.out.print(_steps(operation, datetime.datetime.now(datetime.UTC)))


def draw_list(operations: Sequence[Operation], left_out: int) -> None:
    """A line for each operation."""
    if not operations:
        console.out.print("No operations yet.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("ID", "OPERATION", "STATE", "STEPS", "BEGUN (UTC)"):
        table.add_column(title, no_wrap=True)
    for operation in operations:
        table.add_row(*_cells(operation))
    console.out.print(table)
    for operation in operations:
        if now := _now(operation):
            console.out.print(f"{escape(_name(operation))}: [dim]{escape(now)}[/]")
    if left_out:
        console.out.print(f"[dim]{left_out} older ones: bob op ls --all[/]")


def _head(operation: Operation) -> str:
    return f"[bold]{escape(_name(operation))}[/]: {_state(operation)}  [dim]{operation.id}[/]"


def _steps(operation: Operation, now: datetime.datetime) -> Table:
    from bob.ops.watch_text import seconds

    table = Table.grid(padding=(0, 1))
    for step in operation.steps:
        took = seconds(step, now) if step.attempts else None
        again = f" [yellow](attempt {step.attempts})[/]" if step.attempts > 1 else ""
        duration = f"[dim]{took:.1f} s[/]" if took is not None else ""
        table.add_row(MARKS[step.state], escape(step.title) + again, duration)
        if step.error and step.state != "done":
            table.add_row("", f"[red]{escape(step.error)}[/]", "")
    return table


def _cells(operation: Operation) -> list[str]:
    done = sum(step.state == "done" for step in operation.steps)
    return [
        operation.id,
        escape(_name(operation)),
        _state(operation),
        f"{done}/{len(operation.steps)}",
        f"{_begun(operation):%Y-%m-%d %H:%M}",
    ]


def _now(operation: Operation) -> str:
    """What an operation waits for, or failed with; "" when it is over."""
    waiting = operation.waiting_for
    if waiting is None or operation.state in ("done", "aborted"):
        return ""
    return waiting.error or operation.said or waiting.title


def _name(operation: Operation) -> str:
    return f"{operation.kind} {operation.target}"


def _state(operation: Operation) -> str:
    return f"[{COLOURS.get(operation.state, 'cyan')}]{operation.state}[/]"


def _begun(operation: Operation) -> datetime.datetime:
    """When it was wished: the id says so."""
    from ulid import ULID

    return ULID.from_str(operation.id).datetime.astimezone(datetime.UTC)
