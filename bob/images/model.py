"""What a recipe of an image says. The name of an image is the name of its file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Package = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
User = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
UserId = Annotated[int, Field(strict=True, ge=1, lt=65534)]
# Relative, at least one folder deep, without `..` and without anything that a shell takes for more
# than a pattern.
_PART = r"\.?[A-Za-z0-9_*][A-Za-z0-9._*+-]*"
Inside = Annotated[str, Field(pattern=rf"^[a-z][a-z0-9]*(/{_PART})+$")]
ROOT = "root"


class Recipe(BaseModel):
    """How one image is made: a layer of packages on another image, or on nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Name
    title: str
    debian: Name | None = None
    """The Debian release, for an image that begins with nothing."""
    base: Name | None = None
    """The image whose layers come before."""
    packages: Annotated[tuple[Package, ...], Field(min_length=1)]
    version_of: Package | None = None
    """The package whose version is that of the image; the first one unless said."""
    users: Mapping[User, UserId] = {}
    """Users with fixed ids: without them, an id would follow the order of installation, and a data
    folder might belong to somebody else after a rebuild."""
    user: User = ROOT
    """Who runs the program."""
    remove: tuple[Inside, ...] = ()
    """Patterns of what must not be in an image: secrets and data that packages make."""
    files: Mapping[Inside, str] = {}
    """Text by path, there before any package is installed; mode 0644."""
    also: tuple[Name, ...] = ()
    """More names in the registry."""

    @property
    def main_package(self) -> str:
        """The package whose version is that of the image."""
        return self.version_of or self.packages[0]

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if (self.debian is None) == (self.base is None):
            raise ValueError("exactly one of `debian` and `base` says what the image begins with")
        if self.files and self.debian is None:
            raise ValueError("`files` is for an image that begins with `debian`")
        if self.base == self.name:
            raise ValueError("an image cannot be its own base")
        return self
