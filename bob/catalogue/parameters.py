"""The settings that a service takes: their types, their ranges, and values as text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from bob.catalogue.part import Name, Part

Value = str | int | float | bool
ItemName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""Name of a parameter: also a key in Consul, an item of a Nomad variable, a word in a template."""

TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
LONGEST = 4096  # characters of a value; longer things are configuration files
BOOLEANS = {"true": True, "false": False}


class Parameter(Part):
    """A setting of a service: in Consul KV, or in a Nomad variable when it is secret."""

    type: Literal["text", "integer", "number", "boolean"]
    title: str = ""
    """What it is, in a few words."""
    default: Value | None = None
    """Used until an operator sets another value. A secret has none."""
    unit: str = ""
    """Of a number, for people: "MiB", "s"."""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    """The texts that are allowed; none: every text."""
    pattern: str | None = None
    """A regular expression that the whole text has to match."""
    live: bool = False
    """The running service takes a new value over by itself: nothing is restarted."""
    secret: bool = False
    """Never in Consul, in a record of an operation, or on a screen."""
    generate: Literal["password", "fernet", "uuid"] | None = None
    """Made up at the first deployment: 32 letters and digits, a Fernet key, or a UUID."""
    shared_with: Mapping[Name, ItemName] = {}
    """Services that are given a copy of the secret, and the item's name there."""

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _fits_together(self) -> Parameter:
        numeric = self.type in ("integer", "number")
        if not numeric and (self.minimum is not None or self.maximum is not None):
            raise ValueError(f"a {self.type} has no minimum and no maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}")
        if self.type != "text" and (self.choices or self.pattern):
            raise ValueError("only a text has choices or a pattern")
        if self.secret:
            self._refuse_open_secret()
        elif self.generate or self.shared_with:
            raise ValueError("generate and shared_with are for secrets")
        elif self.default is None:
            raise ValueError("default is missing: only a secret has none")
        else:
            self.check(self.default, "the default ")
        return self

    def _refuse_open_secret(self) -> None:
        if self.type != "text":
            raise ValueError("a secret is a text")
        if self.default is not None or self.live:
            raise ValueError("a secret has no default, and is not live")

    def check(self, value: Value, what: str = "") -> None:
        """Raise `ValueError` with the law that `value` breaks. `what` begins the sentence."""
        said = "" if self.secret else f"{value!r} "
        if type(value) not in TYPES[self.type]:
            raise ValueError(f"{what}{said}is not of the type {self.type}")
        if isinstance(value, str):
            self._check_text(value, what + said)
        elif isinstance(value, float) and math.isnan(value):
            raise ValueError(f"{what}{said}is not a number")
        elif self.minimum is not None and value < self.minimum:
            raise ValueError(f"{what}{said}is below the minimum {self._with_unit(self.minimum)}")
        elif self.maximum is not None and value > self.maximum:
            raise ValueError(f"{what}{said}is above the maximum {self._with_unit(self.maximum)}")

    def parse(self, text: str) -> Value:
        """The value that a text stands for. Raises `ValueError` when it is not allowed."""
        value: Value = text
        try:
            if self.type == "integer":
                value = int(text)
            elif self.type == "number":
                value = float(text)
            elif self.type == "boolean":
                value = BOOLEANS[text.lower()]
        except (ValueError, KeyError):
            raise ValueError(f"{text!r} is not of the type {self.type}") from None
        self.check(value)
        return value

    def _check_text(self, text: str, said: str) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"a text may have {LONGEST} characters, this one has {len(text)}")
        if "\0" in text or (self.secret and "\n" in text):
            raise ValueError(f"{said}holds a character that no configuration file can take")
        if self.choices and text not in self.choices:
            raise ValueError(f"{said}is not one of {', '.join(self.choices)}")
        if self.pattern is not None and not re.fullmatch(self.pattern, text):
            raise ValueError(f"{said}does not match {self.pattern}")

    def _with_unit(self, limit: float) -> str:
        return f"{limit:g} {self.unit}".strip()


def as_text(value: Value) -> str:
    """The value as it stands in Consul and in configuration files."""
    return str(value).lower() if isinstance(value, bool) else str(value)
