"""Configurations for people. Pure; no secret comes in here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from bob.catalogue import Parameter, Service, as_text
from bob.ops.configuration.generation import Generation, difference


def parameters(
    service: Service, configuration: Generation, known_secrets: Collection[str] | None
) -> list[dict[str, Any]]:
    """One row for each parameter of a service. A secret is told to be set or not.

    `known_secrets` is None when nothing may be known of them.
    """
    rows = []
    for name, parameter in service.parameters.items():
        if parameter.secret:
            is_set = name in (known_secrets or ())
            value = _secret(parameter, is_set, known_secrets is not None)
        else:
            is_set = name in configuration.values
            default = "" if parameter.default is None else as_text(parameter.default)
            value = configuration.values.get(name, default)
        rows.append(
            {
                "name": name,
                "title": parameter.title,
                "type": parameter.type,
                "value": value,
                "set": is_set,
                "secret": parameter.secret,
                "live": parameter.live,
                "unit": parameter.unit,
                "allowed": allowed(parameter),
            }
        )
    return rows


def _secret(parameter: Parameter, is_set: bool, known: bool) -> str:
    if not known:
        return "(you may not know)"
    if is_set:
        return "(set)"
    return "(not set)" if parameter.generate is None else "(made up at the deployment)"


def allowed(parameter: Parameter) -> str:
    """Which values a parameter takes, in a few words."""
    parts: list[str] = [parameter.type]
    if parameter.choices:
        parts = [f"one of {', '.join(parameter.choices)}"]
    if parameter.pattern:
        parts.append(f"like {parameter.pattern}")
    if parameter.minimum is not None:
        parts.append(f"from {parameter.minimum:g}")
    if parameter.maximum is not None:
        parts.append(f"to {parameter.maximum:g}")
    if parameter.unit:
        parts.append(parameter.unit)
    if parameter.live:
        parts.append("(taken over without a restart)")
    return " ".join(parts)


def changes(service: Service, kept: Iterable[Generation]) -> list[dict[str, Any]]:
    """What each generation changed, newest first. `kept` is in their order."""
    rows, before = [], Generation()
    for each in kept:
        lines = difference(service, before, each) if each.number == before.number + 1 else ()
        rows.append(
            {
                "number": each.number,
                "at": each.at,
                "by": each.by,
                "operation": each.operation,
                "changes": list(lines),
            }
        )
        before = each
    return rows[::-1]
