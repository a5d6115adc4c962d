"""Watch an operation on the terminal until it is over, the operator leaves, or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.markup import escape

from bob import console
from bob.commands._operation_view import print_operation, screen
from bob.console import Format
from bob.errors import Unfinished

if TYPE_CHECKING:
    from bob.clients.consul import Consul
    from bob.context import Context
    from bob.ops.record import Operation
    from bob.ops.watch import Sight

WATCH_SECONDS = 24 * 3600.0  # beyond any operation; the robot has deadlines of its own

TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", min=0, metavar="SECONDS", help="Look on for so long (exit 7 after)."),
]


def attend(context: Context, operation_id: str, timeout: float | None = None) -> Operation:
    """Like `watch`, and bring what this machine knows of the cluster up to date afterwards."""
    from bob.ops.known import refresh

    def renew() -> Consul | None:
        before = context.secrets()
        found = refresh(context)
        return found.consul() if found.secrets() != before else None

    try:
        return watch(context.consul(), operation_id, timeout, renew)
    finally:
        refresh(context)


def watch(
    consul: Consul,
    operation_id: str,
    timeout: float | None = None,
    renew: Callable[[], Consul | None] = lambda: None,
) -> Operation:
    """Show an operation until it is over; Ctrl-C leaves. Progress goes to stderr.

    When Consul refuses the token, `renew` may give a client with another one. Raises `Unfinished`
    when the operator leaves, `DeadlinePassed` after `timeout` seconds; the robot goes on then.
    """
    from bob.clients.http import Refused
    from bob.ops.watch import follow
    from bob.waiting import Deadline

    view = _Live() if console.err.is_terminal else _Plain()
    deadline = Deadline(WATCH_SECONDS if timeout is None else timeout)
    try:
        with view:
            while True:
                try:
                    for sight in follow(consul, operation_id, deadline):
                        view.show(sight)
                    return sight.operation
                except Refused:  # the operation itself may have replaced the tokens
                    if (renewed := renew()) is None:
                        raise
                    consul = renewed
    except KeyboardInterrupt:
        raise unfinished(operation_id) from None


def unfinished(operation_id: str) -> Unfinished:
    """The end of a command whose operation goes on without it."""
    return Unfinished(
        f"operation {operation_id} is recorded and not finished; the robot goes on",
        cure=f"Look on with: bob op watch {operation_id}",
    )


def finish(operation: Operation, output: Format, **more: Any) -> None:
    """Print how an operation ended, and raise the error that its end is, if it is one."""
    from bob.ops.watch_text import failure

    print_operation(operation, output, **more)
    if error := failure(operation):
        raise error


class _Plain:
    """Lines that tell what changed."""

    def __init__(self) -> None:
        self._last: Sight | None = None

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, sight: Sight) -> None:
        """Print what is new."""
        from bob.ops.watch_text import lines

        for line in lines(self._last, sight, time.time()):
            console.err.print(escape(line))
        self._last = sight


class _Live:
    """One line for each step, redrawn; beneath them what the robot says."""

    def __init__(self) -> None:
        from rich.live import Live

        self._sight: Sight | None = None
        self._live = Live(
            console=console.err, refresh_per_second=4, get_renderable=self._draw, transient=False
        )

    def __enter__(self) -> _Live:
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, sight: Sight) -> None:
        """Draw this from now on."""
        self._sight = sight
        self._live.start(refresh=True)

    def _draw(self) -> RenderableType:
        return screen(self._sight, time.time()) if self._sight else ""
