"""What a command prints: data on stdout, progress and questions on stderr.

A view is printed by `emit`: as one JSON document with a `schema` field when the operator asked for
`-o json`, else by the function that draws it for people.
"""

from __future__ import annotations

import enum
import json
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from bob.errors import UsageError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Format(enum.StrEnum):
    """How a view is printed."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[
    Format, typer.Option("--output", "-o", help="How to print the result.", show_default=True)
]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Answer the question with yes. Never passes a guard.")
]


def emit(view: Mapping[str, Any], output: Format, draw: Callable[[], None]) -> None:
    """Print `view` (JSON types; must hold `schema`, like "bob/status/1") or call `draw`."""
    if output is Format.JSON:
        print_json(view)
    else:
        draw()


def print_json(view: Mapping[str, Any]) -> None:
    """One JSON document on stdout, keys in the order given."""
    sys.stdout.write(json.dumps(view, indent=2, default=str) + "\n")


def confirm(question: str, *, yes: bool) -> None:
    """Ask; without a terminal demand `--yes`. Raises `UsageError` when the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on.", cure="Add --yes.")
    if not typer.confirm(question, err=True):
        raise UsageError("Stopped by the operator; nothing was changed.")
