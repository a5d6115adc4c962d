"""Texts rendered from the folder `templates/node`, which travels with the program.

The library behind it is loaded at the first text: an idle bob-agent has no use for it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: Any) -> str:
    """The text of a template. A value that the template names and nobody gives is an error."""
    return _environment().get_template(template).render(**values)


def _source(name: str) -> str:
    return (resources.files("templates") / "node" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_source),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - no HTML is made here
        trim_blocks=True,
        keep_trailing_newline=True,
    )
