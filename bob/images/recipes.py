"""Reading the recipes: every mistake in a file at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable

from pydantic import ValidationError

from bob.errors import Permanent, UsageError
from bob.images.model import Recipe
from inventory.document import Document, read
from inventory.errors import InventoryError

SUFFIX = ".yaml"


class Recipes:
    """The recipes in the folder `root`, which is the data package `images` unless given."""

    def __init__(self, root: Traversable | None = None) -> None:
        self._root = resources.files("images") if root is None else root
        self._read: dict[str, Recipe] = {}

    def names(self) -> tuple[str, ...]:
        """All images, ordered by name."""
        files = (entry.name for entry in self._root.iterdir())
        return tuple(sorted(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)))

    def recipe(self, name: str) -> Recipe:
        """One recipe. Raises `UsageError` for an unknown one, `Permanent` for a broken file."""
        if name in self._read:
            return self._read[name]
        if name not in self.names():
            raise UsageError(
                f"there is no image {name!r}", cure=f"There are: {', '.join(self.names())}."
            )
        with resources.as_file(self._root / f"{name}{SUFFIX}") as file:
            try:
                return self._read.setdefault(name, _recipe(name, read(file)))
            except InventoryError as error:
                raise Permanent(f"the recipes cannot be used:\n{error}") from error

    def chain(self, name: str) -> tuple[Recipe, ...]:
        """An image's recipe after those it is built on. Raises `Permanent` for a ring of them."""
        chain = [self.recipe(name)]
        while (below := chain[0].base) is not None:
            if below in (recipe.name for recipe in chain):
                raise Permanent(f"images are built on each other: {below} is its own base")
            if below not in self.names():
                raise Permanent(
                    f"image {chain[0].name} has the base {below!r}, which is none",
                    cure=f"Correct `base` in {chain[0].name}{SUFFIX}.",
                )
            chain.insert(0, self.recipe(below))
        return tuple(chain)

    def in_order(self, names: Iterable[str]) -> tuple[Recipe, ...]:
        """These images and all they are built on, each after what it needs; all for no names."""
        found: dict[str, Recipe] = {}
        for name in names or self.names():
            found |= {recipe.name: recipe for recipe in self.chain(name)}
        return tuple(found.values())


def _recipe(name: str, document: Document) -> Recipe:
    """Raises `InventoryError`, the error of a YAML file with its lines."""
    if not isinstance(document.data, dict):
        raise InventoryError([document.violation((), "must hold keys with values")])
    violations = list(document.violations)
    try:
        recipe = Recipe.model_validate({"name": name, **document.data})
    except ValidationError as error:
        violations += (
            document.violation(
                details["loc"],
                "unknown key" if details["type"] == "extra_forbidden" else details["msg"],
            )
            for details in error.errors()
        )
    if violations:
        raise InventoryError(violations)
    return recipe
