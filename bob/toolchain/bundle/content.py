"""Which files go into the folder, and the digest that names it.

Libraries are those that Bob's own distribution asks for, and what these ask for in turn, as they
are installed beside this program. Their files are known by the sums in their records, so they are
read only when a folder is made.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from bob.errors import Permanent

OWN = ("bob", "healthcheck", "inventory", "jobs", "templates")
# What people use on their own machine: the command line, images, and emulated hosts.
NOT_ON_NODES = (
    "bob/__main__.py",
    "bob/commands",
    "bob/console.py",
    "bob/images",
    "bob/machine",
    "bob/sandbox",
    "bob/status/render.py",
    "bob/toolchain/bundle/requirements.lock",
    "bob/toolchain/display.py",
    "bob/toolchain/modules",
    "healthcheck/doctor",
)
# `rich` and `typer` draw the command line; `charset-normalizer` guesses what the web means and
# takes 3 MB of memory; `pycparser` is for those who compile with cffi.
UNUSED_LIBRARIES = frozenset({"rich", "typer", "charset-normalizer", "pycparser"})
UNUSED_FILES = re.compile(
    r"(^|/)(tests?|__pycache__)/|\.(pyi|pyx|pxd|c|h|js|typed|completion|dist-info/.*)$"
    r"|^zstandard/(_cffi|backend_cffi)"  # the backend in C is the one that is used
    r"|^pydantic/(v1/|mypy\.py)"  # the model of ten years ago, and a plugin for developers
    r"|^cffi/|^\.\."  # programs, and all of cffi but its extension
)


@dataclass(frozen=True)
class Entry:
    """A file of the folder: its place there, where it comes from, and its SHA-256 in hex."""

    place: str
    source: Path
    sha256: str

    def __str__(self) -> str:
        return f"{self.place} {self.sha256}"


def own_files(packages: Iterable[str] = OWN) -> Iterator[Entry]:
    """The files of Bob's own packages, from wherever they are imported."""
    for package in packages:
        home = Path(next(iter(import_module(package).__path__)))
        for source in sorted(home.rglob("*")):
            place = (PurePosixPath(package) / source.relative_to(home)).as_posix()
            if _wanted_of_own(place) and source.is_file():
                yield Entry(place, source, hashlib.sha256(source.read_bytes()).hexdigest())


def _wanted_of_own(place: str) -> bool:
    return "__pycache__" not in place and not any(
        place == unwanted or place.startswith(f"{unwanted}/") for unwanted in NOT_ON_NODES
    )


def libraries(root: str = "bob") -> dict[str, Distribution]:
    """The distributions that `root` needs on a node, by normalised name.

    What a library asks for under a condition counts when it is installed here: whoever installed
    it has judged the condition for this Python.
    """
    found: dict[str, Distribution] = {}
    pending = list(_requirements(distribution(root)))
    while pending:
        name = pending.pop()
        if name in found or name in UNUSED_LIBRARIES:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        pending += _requirements(found[name])
    return dict(sorted(found.items()))


def _requirements(library: Distribution) -> Iterator[str]:
    for line in library.requires or ():
        requirement, _, condition = line.partition(";")
        if "extra" not in condition and (name := re.match(r"[A-Za-z0-9._-]+", requirement)):
            yield re.sub(r"[-_.]+", "-", name[0]).lower()


def library_files(library: Distribution) -> Iterator[Entry]:
    """The files of a library that are used on a node. Raises `Permanent` without its record."""
    if library.files is None:
        name = library.metadata["Name"]
        raise Permanent(
            f"{name} was installed without a record of its files",
            cure=f"Install it again with pip: pip install --force-reinstall {name}",
        )
    for file in library.files:
        place = file.as_posix()
        if not is_used(place):
            continue
        source = Path(str(file.locate()))
        if file.hash is not None and file.hash.mode == "sha256":
            padded = file.hash.value + "=" * (-len(file.hash.value) % 4)
            yield Entry(place, source, base64.urlsafe_b64decode(padded).hex())
        elif source.is_file():
            yield Entry(place, source, hashlib.sha256(source.read_bytes()).hexdigest())


def label(library: Distribution) -> tuple[str, bytes]:
    """Place and content of the few lines by which a library finds its own version."""
    name, version = library.metadata["Name"], library.version
    folder = f"{re.sub(r'[-_.]+', '_', name)}-{version}.dist-info"
    return (
        f"{folder}/METADATA",
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
    )


def is_used(place: str) -> bool:
    """Whether a file of a library, by its path in site-packages, is used on a node."""
    return not UNUSED_FILES.search(place)


def digest_of(lines: Iterable[str]) -> str:
    """SHA-256 over what is known of everything that goes in, whatever its order."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
