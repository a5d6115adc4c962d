"""Where services come from: folders, and what an operator's folder left in Consul's KV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Protocol

SERVICE_FILE = "service.yaml"
STORED = Path("bob/catalogue")  # the place of stored files in Consul's KV


class Source(Protocol):
    """Some services, each with its files."""

    def names(self) -> tuple[str, ...]:
        """The services, ordered by name."""

    def text(self, service: str, file: str) -> str:
        """A text file of a service. Raises `FileNotFoundError`, `UnicodeDecodeError`."""

    def where(self, service: str, file: str) -> Path:
        """How messages call a file."""

    def files(self, service: str, folder: str) -> dict[str, bytes]:
        """Content of all files below a folder of a service, by path ("www/health")."""


class Folder:
    """One folder for each service; what has no `service.yaml` is none."""

    def __init__(self, root: Traversable) -> None:
        self._root = root
        self._names: tuple[str, ...] | None = None

    def names(self) -> tuple[str, ...]:
        """See `Source.names`. The folder is read once."""
        if self._names is None:
            folders = (entry for entry in self._root.iterdir() if entry.is_dir())
            self._names = tuple(sorted(e.name for e in folders if (e / SERVICE_FILE).is_file()))
        return self._names

    def text(self, service: str, file: str) -> str:
        """See `Source.text`."""
        return (self._root / service / file).read_text(encoding="utf-8")

    def where(self, service: str, file: str) -> Path:
        """See `Source.where`."""
        return Path(str(self._root / service / file))

    def files(self, service: str, folder: str) -> dict[str, bytes]:
        """See `Source.files`."""
        return dict(_walk(self._root / service / folder, ""))


class Stored:
    """Files by their path ("web/service.yaml"), as they are kept in Consul. Images are not."""

    def __init__(self, contents: Mapping[str, str]) -> None:
        self._contents = dict(contents)

    def names(self) -> tuple[str, ...]:
        """See `Source.names`."""
        end = f"/{SERVICE_FILE}"
        return tuple(sorted(p.removesuffix(end) for p in self._contents if p.endswith(end)))

    def text(self, service: str, file: str) -> str:
        """See `Source.text`."""
        try:
            return self._contents[f"{service}/{file}"]
        except KeyError:
            raise FileNotFoundError(f"{STORED / service / file} is not in Consul") from None

    def where(self, service: str, file: str) -> Path:
        """See `Source.where`."""
        return STORED / service / file

    def files(self, service: str, folder: str) -> dict[str, bytes]:
        """See `Source.files`."""
        begin = f"{service}/{folder}/"
        return {
            path.removeprefix(begin): content.encode()
            for path, content in self._contents.items()
            if path.startswith(begin)
        }


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.read_bytes()
