"""One `service.yaml`: from its text to the model, every mistake with its line."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from bob.catalogue.model import Service
from bob.catalogue.sources import SERVICE_FILE, Source
from inventory.document import Document, parse
from inventory.errors import InventoryError, Violation

KEY = "[key]"  # how pydantic ends the place of a key
VALUE_ERROR = "Value error, "  # how pydantic begins what our own laws say


@dataclass(frozen=True)
class Entry:
    """A service, and the file that says so, for the lines of what is wrong with it."""

    service: Service
    document: Document


def read_service(source: Source, name: str) -> Entry:
    """Raises `InventoryError`, the error of a YAML file with its lines."""
    file = source.where(name, SERVICE_FILE)
    try:
        document = parse(file, source.text(name, SERVICE_FILE))
    except UnicodeDecodeError as error:
        raise InventoryError([Violation(file, 1, "", f"not UTF-8: {error.reason}")]) from None
    if not isinstance(document.data, dict):
        raise InventoryError([document.violation((), "must hold keys with values")])
    violations = list(document.violations)
    # A step in "<>" tells which form of a value was taken, and KEY that a key is wrong, not what
    # stands behind it; they are not in the file.
    try:
        service = Service.model_validate({**document.data, "name": name})
    except ValidationError as error:
        violations += (
            document.violation(
                tuple(s for s in details["loc"] if s != KEY and not str(s).startswith("<")),
                "unknown key"
                if details["type"] == "extra_forbidden"
                else details["msg"].removeprefix(VALUE_ERROR),
            )
            for details in error.errors()
        )
    if "name" in document.data:
        violations.append(document.violation(("name",), "unknown key: the folder is the name"))
    if violations:
        raise InventoryError(violations)
    return Entry(service, document)
