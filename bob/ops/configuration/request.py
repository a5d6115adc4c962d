"""A change of configuration as it travels in an operation's parameters. Pure."""

from __future__ import annotations

from typing import Any

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
