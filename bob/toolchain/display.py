"""The progress of `ensure` on stderr: live lines on a terminal, plain ones in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from bob.toolchain.progress import Unit

PLAIN_EVERY = 30.0  # seconds between two signs of life where nothing can be redrawn


class Display:
    """A `Progress` that draws. Use it as a context manager around `ensure`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._spoken: dict[str, float] = {}
        self._bars = Bars(
            SpinnerColumn(), TextColumn("[bold]{task.fields[tool]}"),
            TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[amount]}"),
            TimeElapsedColumn(), console=console, transient=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._console.is_terminal:
            self._bars.stop()

    def stage(self, tool: str, text: str) -> None:
        """Show the new phase."""
        if self._console.is_terminal:
            self._bars.update(self._task(tool), description=escape(text), total=None, amount="")
        else:
            self._speak(tool, text)

    def advance(self, tool: str, done: int, total: int | None, unit: Unit) -> None:
        """Move the bar, or speak from time to time."""
        amount = decimal(done) if unit == "bytes" else f"{done} packages"
        if self._console.is_terminal:
            self._bars.update(self._task(tool), completed=done, total=total, amount=amount)
        elif time.monotonic() - self._spoken.get(tool, 0.0) > PLAIN_EVERY:
            self._speak(tool, f"… {amount}")

    def finished(self, tool: str, text: str) -> None:
        """Say so, and drop the tool's line."""
        if self._console.is_terminal:
            self._bars.remove_task(self._task(tool))
            self._tasks.pop(tool)
        self._speak(tool, text)

    def _speak(self, tool: str, text: str) -> None:
        self._spoken[tool] = time.monotonic()
        self._console.print(f"[bold]{tool}[/] {escape(text)}")

    def _task(self, tool: str) -> TaskID:
        if tool not in self._tasks:
            self._tasks[tool] = self._bars.add_task("", total=None, tool=tool, amount="")
        return self._tasks[tool]
