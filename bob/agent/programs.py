"""The programs this node runs, packed for a host that joins: made when they are asked for."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from bob.agent.machine import Machine
from bob.errors import Permanent
from bob.provision.agents import BIN_DIR
from bob.provision.install import STORE, Binary
from bob.provision.private_files import private_folder
from bob.toolchain.packing import pack_file

CHUNK = 1024 * 1024
STAMP = 16  # as many digits of the sum are in the name of a program's folder


class Programs:
    """Call it for the binaries to which the links in `BIN_DIR` lead.

    An archive is kept in `folder` as long as its program is in use.
    """

    def __init__(self, folder: Path, machine: Machine | None = None) -> None:
        self._folder = folder
        self._machine = machine or Machine()
        self._working = threading.Lock()

    def __call__(self) -> tuple[Binary, ...]:
        """Every program that is one file; Bob itself is a folder, see `bob.toolchain.bundle`.

        Raises `Permanent` when one is damaged. The first time takes a second for each.
        """
        with self._working:
            private_folder(self._folder)
            found = tuple(
                self._binary(link, place)
                for link in sorted(self._machine.path(BIN_DIR).iterdir())
                if (place := _in_store(link)) is not None
            )
            used = {binary.packed for binary in found}
            for old in self._folder.iterdir():
                if old not in used:
                    old.unlink()
            return found

    def _binary(self, link: Path, place: str) -> Binary:
        stamp = Path(place).parent.name.rpartition("-")[2]
        for packed in self._folder.glob(f"{link.name}-{stamp}*.deb"):
            return Binary(link.name, packed.stem.rpartition("-")[2], packed)
        program = self._machine.path(place)
        sha256 = _sum(program)
        if sha256[:STAMP] != stamp:
            raise Permanent(
                f"{program} is damaged: its sum is {sha256}",
                cure="Run bob init again: it puts the program back.",
            )
        packed = self._folder / f"{link.name}-{sha256}.deb"
        part = packed.with_suffix(".part")
        pack_file(link.name, program, part)
        part.replace(packed)
        return Binary(link.name, sha256, packed)


def _in_store(link: Path) -> str | None:
    """Where a link of a single-file program leads; None for Bob's own, and for scripts."""
    if not link.is_symlink():
        return None
    place = link.readlink()
    single = place.is_relative_to(STORE) and place.parent.name.startswith(f"{link.name}-")
    return str(place) if single else None


def _sum(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
