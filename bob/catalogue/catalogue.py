"""Reading the catalogue: every mistake in a `service.yaml` at once, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from importlib.resources.abc import Traversable

from pydantic import ValidationError

from bob.catalogue.model import Service
from bob.errors import Permanent, UsageError
from inventory.document import Document, read
from inventory.errors import InventoryError

SERVICE_FILE = "service.yaml"


class Catalogue:
    """The services below `root`, which is the data package `jobs` unless given.

    The files belong to a release of Bob and do not change: folder and each file are read once.
    """

    def __init__(self, root: Traversable | None = None) -> None:
        self._root = resources.files("jobs") if root is None else root
        self._read: dict[str, Service] = {}
        self._names: tuple[str, ...] | None = None

    def names(self) -> tuple[str, ...]:
        """All services, ordered by name."""
        if self._names is None:
            folders = (entry for entry in self._root.iterdir() if entry.is_dir())
            found = (entry.name for entry in folders if (entry / SERVICE_FILE).is_file())
            self._names = tuple(sorted(found))
        return self._names

    def service(self, name: str) -> Service:
        """One service. Raises `UsageError` for an unknown one, `Permanent` for a broken file."""
        if name in self._read:
            return self._read[name]
        if name not in self.names():
            raise UsageError(
                f"there is no service {name!r}", cure=f"There are: {', '.join(self.names())}."
            )
        with resources.as_file(self._root / name / SERVICE_FILE) as file:
            try:
                return self._read.setdefault(name, _service(name, read(file)))
            except InventoryError as error:
                raise Permanent(f"the catalogue cannot be used:\n{error}") from error

    def in_order(self, name: str) -> tuple[Service, ...]:
        """A service and all it depends on, what is needed first coming first."""
        found: dict[str, Service] = {}
        todo = [name]
        while todo:
            current = todo.pop()
            if current not in found:
                found[current] = self.service(current)
                todo += found[current].depends
        graph = {service.name: service.depends for service in found.values()}
        try:
            return tuple(found[each] for each in TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise Permanent(
                f"services depend on each other: {' -> '.join(error.args[1])}"
            ) from error

    def text(self, service: str, file: str) -> str:
        """A text file in the folder of a service."""
        return (self._root / service / file).read_text(encoding="utf-8")

    def files(self, service: str, folder: str) -> dict[str, bytes]:
        """Content of all files below a folder of a service, by path ("www/health")."""
        return dict(_walk(self._root / service / folder, ""))


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_bytes()


def _service(name: str, document: Document) -> Service:
    """Raises `InventoryError`, the error of a YAML file with its lines."""
    if not isinstance(document.data, dict):
        raise InventoryError([document.violation((), "must hold keys with values")])
    violations = list(document.violations)
    try:
        service = Service.model_validate({"name": name, **document.data})
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
    return service
