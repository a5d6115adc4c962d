"""Nomad's plan in a few lines that people read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bob.clients.nomad import Plan

# Nomad's names for what happens to instances, in the order shown.
UPDATES = {
    "Place": "place",
    "DestructiveUpdate": "replace",
    "InPlaceUpdate": "update in place",
    "Migrate": "move",
    "Stop": "stop",
}
SHOWN = 60  # characters of a value; a template is longer


def describe(plan: Plan) -> tuple[str, ...]:
    """What registering would do, or nothing."""
    if not plan.changes:
        return ()
    if plan.diff_type == "Added":
        return ("new job", *_updates(plan))
    return (*_differences(plan.diff, ""), *_updates(plan))


def unplaced(plan: Plan) -> tuple[str, ...]:
    """Why there is no host for some instances, one line for each group, in Nomad's terms."""
    return tuple(_reason(group, metrics) for group, metrics in sorted(plan.unplaced.items()))


def _updates(plan: Plan) -> Iterator[str]:
    for group, counts in sorted(plan.updates.items()):
        doing = [f"{word} {counts[name]}" for name, word in UPDATES.items() if counts.get(name)]
        if doing:
            yield f"group {group}: {', '.join(doing)}"


def _differences(part: Mapping[str, Any], place: str) -> Iterator[str]:
    """Changed fields of a diff and of everything inside it."""
    for field in part.get("Fields") or ():
        if field["Type"] != "None":
            old, new = (_short(field[side]) for side in ("Old", "New"))
            yield f"{place}{field['Name']}: {old} -> {new}"
    for kind, name in (("TaskGroups", "group "), ("Tasks", "task "), ("Objects", "")):
        for inner in part.get(kind) or ():
            if inner["Type"] != "None":
                yield from _differences(inner, f"{place}{name}{inner['Name']} ")


def _short(value: str) -> str:
    line = " ".join(value.split()) or "(none)"
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def _reason(group: str, metrics: Mapping[str, Any]) -> str:
    more = 1 + (metrics.get("CoalescedFailures") or 0)
    reasons = [f"{metrics.get('NodesEvaluated', 0)} hosts looked at"]
    for key, words in (
        ("ConstraintFiltered", "{count} excluded by {name}"),
        ("ClassFiltered", "{count} of class {name} excluded"),
        ("DimensionExhausted", "{count} without enough {name}"),
    ):
        for name, count in sorted((metrics.get(key) or {}).items()):
            reasons.append(words.format(name=name, count=count))
    return f"group {group}: no host for {more} instance(s): {', '.join(reasons)}"
