"""From the file to the cluster: YAML, then each value, then the laws; all violations at once."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from inventory import model
from inventory.cautions import CAUTIONS
from inventory.document import Document, Place, read
from inventory.errors import InventoryError, Violation
from inventory.facts import gather
from inventory.laws import LAWS, Finding, judge
from inventory.model import Cluster

_PARTS: dict[str | int, type[BaseModel]] = {
    "ssh": model.Ssh,
    "networks": model.Network,
    "versions": model.Versions,
    "toolchain": model.Toolchain,
    "nodes": model.Node,
    "bmc": model.Bmc,
}
"""The model of each part by the key that it stands under."""


@dataclass(frozen=True)
class Loaded:
    """A usable cluster, and what the operator should know about its file all the same."""

    cluster: Cluster
    warnings: tuple[Violation, ...]


def load(path: Path) -> Loaded:
    """Read an inventory. Raises `InventoryError` with every violation found."""
    document = read(path)
    violations = list(document.violations)
    cluster = None
    try:
        cluster = Cluster.model_validate(
            document.data,
            by_alias=True,
            by_name=False,
            context={"folder": path.absolute().parent},
        )
    except ValidationError as error:
        violations += (_translate(document, details) for details in error.errors())
    facts = gather(document)
    violations += (_locate(document, finding) for finding in judge(facts, LAWS))
    if violations or cluster is None:
        raise InventoryError(violations)
    warnings = sorted(_locate(document, finding) for finding in judge(facts, CAUTIONS))
    return Loaded(cluster, tuple(warnings))


def _locate(document: Document, finding: Finding) -> Violation:
    message = finding.message
    if finding.first is not None:
        message += f" (first in line {document.line(finding.first)})"
    return document.violation(finding.place, message)


def _translate(document: Document, details: ErrorDetails) -> Violation:
    """A finding of pydantic in the words of the file."""
    place: Place = tuple(step for step in details["loc"] if step != "[key]")
    return document.violation(place, _message(details["type"], place, details))


def _message(kind: str, place: Place, details: ErrorDetails) -> str:
    value: Any = details["input"]
    if kind == "missing":
        return "required, but missing"
    if kind == "extra_forbidden":
        return _unknown_key(place)
    if kind == "string_too_short":
        return "must not be empty"
    if value is None:
        return "has no value; give one or remove the key"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "must be text; put it in quotes"
    if kind in {"model_type", "dict_type", "mapping_type", "model_attributes_type"}:
        return "must hold keys with values"
    if kind == "tuple_type":
        return "must be a list"
    return details["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)


def _unknown_key(place: Place) -> str:
    *around, wrong = place
    part = next((_PARTS[step] for step in reversed(around) if step in _PARTS), Cluster)
    keys = [field.alias or name for name, field in part.model_fields.items()]
    if near := difflib.get_close_matches(str(wrong), keys, n=1, cutoff=0.7):
        return f"unknown key; did you mean {near[0]}?"
    return f"unknown key; known here: {', '.join(keys)}"
