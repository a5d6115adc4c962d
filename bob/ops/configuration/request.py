"""A change of configuration as it travels in an operation's parameters. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bob.errors import UsageError
from bob.ops.configuration.generation import Change
from bob.ops.kind import Request


def params_of(change: Change) -> dict[str, Any]:
    """The parameters of the operation: JSON values, nothing secret."""
    return {
        "values": dict(change.values),
        "texts": dict(change.texts),
        "secrets": sorted(change.secrets),
    }


def change_of(request: Request) -> Change:
    """The change that an operation asks for."""
    params = request.params
    return Change(
        dict(params.get("values") or {}),
        dict(params.get("texts") or {}),
        tuple(params.get("secrets") or ()),
    )


def parse_values(texts: Iterable[str]) -> dict[str, str]:
    """Arguments like "workers=4". Raises `UsageError`; the text after "=" is not quoted in it."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{name!r} is given no value", cure="Write NAME=VALUE.")
        if name in found:
            raise UsageError(f"{name} is given twice", cure="Say it once.")
        found[name] = value
    return found


def parse_templates(texts: Iterable[str]) -> dict[str, str | None]:
    """Options like "keystone.conf=./mine"; nothing after "=": the catalogue's own again."""
    found: dict[str, str | None] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--template {text!r} names no file", cure="Write FILE=PATH.")
        try:
            found[name] = Path(path).read_text(encoding="utf-8") if path else None
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is no readable text: {error}") from error
    return found
