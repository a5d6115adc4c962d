"""`ensure`: the archive of Bob for one kind of host, from the cache or made now.

    <cache>/toolchain/bob/<digest>/bob.deb        the archive
    <cache>/toolchain/bob/<digest>/sum            SHA-256 of the tar archive inside
    <cache>/toolchain/bob/libraries-<digest>.tar  the part that stays when only Bob changes

On a node, where Bob runs from such a folder itself, the archive is made of that folder.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bob
from bob.errors import Permanent
from bob.toolchain import cache
from bob.toolchain.bundle import archive, content, foreign
from bob.toolchain.children import Children
from bob.toolchain.locks import locked
from bob.toolchain.model import Run
from bob.toolchain.packing import debian_archive
from bob.toolchain.progress import SILENT

NAME = "bob"
PACKED = "bob.deb"
SUM = "sum"
ORIGIN = "bundle.json"  # at the top of the folder: what it was made for
RECIPE = "1"  # rises when the same files are to be packed in another way
KEPT_SECONDS = 7 * 86400.0


@dataclass(frozen=True)
class Bundle:
    """`digest` names the content, `sha256` is of the tar archive in the Debian archive `packed`."""

    digest: str
    sha256: str
    packed: Path


@dataclass(frozen=True)
class Target:
    """A version of Python like 3.11, and a processor like x86_64."""

    python: str
    machine: str


def here() -> Target:
    """What this program runs on."""
    return Target("{}.{}".format(*sys.version_info[:2]), platform.machine())


_guard = threading.Lock()
_known: dict[Target, Bundle] = {}


def ensure(python: str, machine: str) -> Bundle:
    """Bob for hosts with this Python and processor. Raises `Permanent` when it cannot be had.

    This program does not change while it runs, so it is looked at once.
    """
    target = Target(python, machine)
    with _guard:
        found = _known.get(target)
        if found is None or not found.packed.exists():
            found = _known[target] = _find(target)
        return found


def _find(target: Target) -> Bundle:
    home = Path(bob.__file__).parents[1]
    if (home / ORIGIN).exists():
        return _from_folder(home, target)
    own, libraries = list(content.own_files()), content.libraries()
    labels = dict(content.label(library) for library in libraries.values())
    native = target == here()
    if native:
        files = [e for library in libraries.values() for e in content.library_files(library)]
        pins = [str(entry) for entry in files]
    else:
        pins = foreign.pins(libraries)
    of_libraries = content.digest_of([RECIPE, repr(target), *pins, *labels])
    starters = [str(text) for text in archive.STARTERS.values()]
    digest = content.digest_of([of_libraries, *starters, *map(str, own)])

    def make(work: Path) -> bytes:
        part = cache.home(NAME) / f"libraries-{of_libraries}.tar"
        if not part.exists():
            entries = (
                files if native else foreign.download(work, pins, target.python, target.machine)
            )
            (work / part.name).write_bytes(archive.members(entries, labels, compiled=native))
            (work / part.name).rename(part)
        origin = {"digest": digest, "python": target.python, "machine": target.machine}
        texts = {**archive.STARTERS, ORIGIN: json.dumps(origin).encode() + b"\n"}
        return part.read_bytes() + archive.members(own, texts, compiled=native) + archive.END

    return _cached(digest, make)


def _from_folder(home: Path, target: Target) -> Bundle:
    """The folder that this program runs from, as it was sent here."""
    origin = json.loads((home / ORIGIN).read_bytes())
    if target != Target(origin["python"], origin["machine"]):
        raise Permanent(
            f"this node cannot make Bob for Python {target.python} on {target.machine}: "
            f"its own is for Python {origin['python']} on {origin['machine']}",
            cure="Install the host with this node's system, or bring it in with bob init.",
        )

    def make(_: Path) -> bytes:
        files = (file for file in home.rglob("*") if file.is_file())
        entries = [content.Entry(file.relative_to(home).as_posix(), file, "") for file in files]
        return archive.members(entries, {}, compiled=False) + archive.END

    return _cached(origin["digest"], make)


def _cached(digest: str, make: Callable[[Path], bytes]) -> Bundle:
    slot = cache.home(NAME) / digest
    if not (slot / SUM).exists():
        with locked(NAME, Run(SILENT, Children())), cache.workspace(NAME) as work:
            if not (slot / SUM).exists():
                files = make(work)
                new = work / "slot"
                new.mkdir()
                (new / PACKED).write_bytes(debian_archive(files))
                (new / SUM).write_text(hashlib.sha256(files).hexdigest())
                shutil.rmtree(slot, ignore_errors=True)
                new.rename(slot)
                _sweep()
    return Bundle(digest, (slot / SUM).read_text(), slot / PACKED)


def _sweep() -> None:
    """Remove what was made for code that has changed since."""
    for old in cache.home(NAME).iterdir():
        if old.name != "lock" and old.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
