"""The JSON Schema of the inventory file, made from the models, for editors that check while typing.

It knows what one value or one part must look like; the laws between parts are beyond it.
"""

from __future__ import annotations

import json
from typing import Any

from inventory.model import Cluster, NetworkName

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PATTERNS = {
    "ipv4network": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$",  # JSON Schema has no such format
    "path": None,
    "password": None,
}


def json_schema() -> dict[str, Any]:
    """The schema as JSON types."""
    schema = _plain(Cluster.model_json_schema(by_alias=True))
    schema["properties"]["networks"]["required"] = [NetworkName.MGMT.value]
    schema["$defs"]["Bmc"]["oneOf"] = [
        {"required": [kind]} for kind in ("password_file", "password_env", "password")
    ]
    schema["description"] = "What `bob init -f FILE` builds. `bob inventory example` explains it."
    return {"$schema": DIALECT, **schema, "title": "Inventory of a cluster"}


def text() -> str:
    """The schema as it is published."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _plain(schema: Any) -> Any:
    """Without what is of Python only: generated titles, null for "not given", unknown formats."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = {}
    for word, value in schema.items():
        if word == "title" and isinstance(value, str):
            continue
        if word == "default" and (value is None or isinstance(value, dict)):
            continue
        if word == "anyOf" and {"type": "null"} in value:
            (kept,) = (choice for choice in value if choice != {"type": "null"})
            plain |= _plain(kept)
        elif word == "format" and value in _PATTERNS:
            if pattern := _PATTERNS[value]:
                plain["pattern"] = pattern
        else:
            plain[word] = _plain(value)
    return plain
