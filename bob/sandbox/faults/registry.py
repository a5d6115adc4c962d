"""Finds the kinds of fault: every `Fault` class in the files of `bob.sandbox.faults.kinds`."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from bob.errors import UsageError
from bob.sandbox.faults import kinds
from bob.sandbox.faults.base import Fault


@functools.cache
def all_kinds() -> Mapping[str, type[Fault]]:
    """Name of the kind -> its class, sorted by name."""
    found: dict[str, type[Fault]] = {}
    for module in pkgutil.iter_modules(kinds.__path__):
        contents = vars(importlib.import_module(f"{kinds.__name__}.{module.name}"))
        for thing in contents.values():
            if isinstance(thing, type) and issubclass(thing, Fault) and "kind" in vars(thing):
                found[thing.kind] = thing
    return MappingProxyType(dict(sorted(found.items())))


def make(kind: str, arguments: Mapping[str, Any]) -> Fault:
    """A fault from its recorded or typed parameters. Raises `UsageError` that names the bad one."""
    if kind not in all_kinds():
        raise UsageError(
            f"there is no fault of kind {kind!r}", cure=f"Kinds: {', '.join(all_kinds())}."
        )
    try:
        return all_kinds()[kind].model_validate(dict(arguments))
    except ValidationError as error:
        raise UsageError(
            "; ".join(
                f"{'.'.join(map(str, problem['loc']))}: "
                + problem["msg"].removeprefix("Value error, ")
                for problem in error.errors(include_url=False)
            ),
            cure=f"See `bob sandbox fault {kind} --help`.",
        ) from error
