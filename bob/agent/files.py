"""Files of this host, replaced whole: the old or the new one is there, even after a power loss."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bob.agent.machine import Machine
from bob.errors import Permanent
from bob.provision.node_files import NodeFile


def differing(machine: Machine, files: Iterable[NodeFile]) -> tuple[NodeFile, ...]:
    """Those whose content, mode or owner is not as wanted."""
    return tuple(file for file in files if not _as_wanted(machine.path(file.path), file))


def replace(machine: Machine, file: NodeFile) -> None:
    """Put one file in its place. Safe to repeat and to interrupt."""
    place = machine.path(file.path)
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(file.content)
            os.fchown(descriptor, *_owner(file))
            os.fchmod(descriptor, file.mode)
            handle.flush()
            os.fsync(descriptor)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(place.parent)


def _as_wanted(place: Path, file: NodeFile) -> bool:
    try:
        found = place.lstat()
        return (
            stat.S_ISREG(found.st_mode)
            and stat.S_IMODE(found.st_mode) == file.mode
            and (found.st_uid, found.st_gid) == _owner(file)
            and found.st_size == len(file.content)
            and place.read_bytes() == file.content
        )
    except FileNotFoundError:
        return False


def _owner(file: NodeFile) -> tuple[int, int]:
    try:
        return pwd.getpwnam(file.owner).pw_uid, grp.getgrnam(file.group).gr_gid
    except KeyError as error:
        raise Permanent(
            f"{file.path}: {error.args[0]}", cure="Run bob init again: it makes users and groups."
        ) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
