"""The catalogue: Bob's own services, and those that operators add to them."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from bob.catalogue.laws import broken_laws
from bob.catalogue.model import Service
from bob.catalogue.reading import Entry, read_service
from bob.catalogue.sources import Folder, Source, Stored
from bob.errors import Permanent, UsageError
from inventory.errors import InventoryError, Violation


class Catalogue:
    """The services below `root`, which is the data package `jobs` unless given.

    The files belong to a release of Bob and do not change: folder and each file are read once.
    Services of `added` come on top; one of the same name hides Bob's own.
    """

    def __init__(self, root: Traversable | None = None, added: Source | None = None) -> None:
        self._root = resources.files("jobs") if root is None else root
        own = Folder(self._root)
        self._sources: tuple[Source, ...] = (own,) if added is None else (added, own)
        self._read: dict[str, Service] = {}
        self._names: tuple[str, ...] | None = None
        self._extended: tuple[Mapping[str, str], Catalogue] | None = None

    def extended(self, stored: Mapping[str, str]) -> Catalogue:
        """With the services that operators left in Consul: content by path ("web/service.yaml")."""
        if not stored:
            return self
        if self._extended is None or self._extended[0] != stored:
            self._extended = (dict(stored), Catalogue(self._root, Stored(stored)))
        return self._extended[1]

    def beside(self, added: Source) -> Catalogue:
        """With these services on top."""
        return Catalogue(self._root, added)

    def names(self) -> tuple[str, ...]:
        """All services, ordered by name."""
        if self._names is None:
            self._names = tuple(sorted({n for source in self._sources for n in source.names()}))
        return self._names

    def service(self, name: str) -> Service:
        """One service. Raises `UsageError` for an unknown one, `Permanent` for a broken file."""
        if name in self._read:
            return self._read[name]
        try:
            return self._read.setdefault(name, read_service(self._source(name), name).service)
        except InventoryError as error:
            raise Permanent(f"the catalogue cannot be used:\n{error}") from error

    def check(self) -> None:
        """Read every service, and compare them. Raises `Permanent` with all that is wrong."""
        entries: dict[str, Entry] = {}
        violations: list[Violation] = []
        for name in self.names():
            try:
                entries[name] = read_service(self._source(name), name)
            except InventoryError as error:
                violations += error.violations
        violations += broken_laws(entries) if not violations else ()
        if violations:
            raise Permanent(f"the catalogue cannot be used:\n{InventoryError(violations)}")

    def in_order(self, *names: str) -> tuple[Service, ...]:
        """Services and all they depend on, what is needed first coming first."""
        found: dict[str, Service] = {}
        todo = [*names]
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
        """A text file in the folder of a service. Raises `Permanent` when there is none."""
        source = self._source(service)
        try:
            return source.text(service, file)
        except (OSError, UnicodeDecodeError) as error:
            where = source.where(service, file)
            raise Permanent(f"{where} cannot be read: {error}") from error

    def shared(self, file: str) -> str:
        """A text file that the job templates of all services may use."""
        return (self._root / "shared" / file).read_text(encoding="utf-8")

    def where(self, service: str, file: str) -> Path:
        """How messages call a file of a service."""
        return self._source(service).where(service, file)

    def files(self, service: str, folder: str) -> dict[str, bytes]:
        """Content of all files below a folder of a service, by path ("www/health")."""
        return self._source(service).files(service, folder)

    def _source(self, name: str) -> Source:
        for source in self._sources:
            if name in source.names():
                return source
        raise UsageError(
            f"there is no service {name!r}", cure=f"There are: {', '.join(self.names())}."
        )
