"""Texts rendered from the folder `templates/node`, which travels with the program."""

from __future__ import annotations

from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """The text of a template. A value that the template names and nobody gives is an error."""
    return _ENVIRONMENT.get_template(template).render(**values)


def _source(name: str) -> str:
    return (resources.files("templates") / "node" / name).read_text(encoding="utf-8")


_ENVIRONMENT = Environment(
    loader=FunctionLoader(_source),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - no HTML is made here
    trim_blocks=True,
    keep_trailing_newline=True,
)
