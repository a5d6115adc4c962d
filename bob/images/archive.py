"""From the upper folder of an overlay to a layer: a tar archive that equal content makes equal.

Names are sorted; users and groups are numbers; what the build itself wrote has one fixed time,
files of packages keep theirs (compiled Python names the time of its source). What the overlay hides
becomes the marks of the image format: `.wh.NAME` for a removed name, `.wh..wh..opq` for a folder
that hides all that was below it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

BUILT = 1_700_000_000  # seconds; any fixed time would do
SECOND = 10**9  # in nanoseconds
LEVEL = 6  # gzip's own default: 9 takes twice as long for one per cent
_WHITEOUT = 0  # device number of a name that the overlay hides
_OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")
_CAPABILITY = "security.capability"


@dataclass(frozen=True)
class Packed:
    """A written layer. `digest` names the file, `diff_id` the archive inside; sizes in bytes."""

    digest: str
    diff_id: str
    size: int
    unpacked: int


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...


class _Hashing(io.RawIOBase):
    """Counts and hashes all that is written on to `target`."""

    def __init__(self, target: _Writable) -> None:
        self._target = target
        self._sum = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return f"sha256:{self._sum.hexdigest()}"

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._sum.update(data)
        self.size += len(data)
        return self._target.write(data)


def settle_times(folder: Path, started_ns: int) -> None:
    """Give all below `folder` that changed after `started_ns` one fixed time.

    On the disk, not only in the archive: a later layer may copy a file of this one with its time.
    Since the second of `started_ns`: what copies a file with its time, like a backup of
    /etc/group, may copy whole seconds only.
    """
    since = started_ns // SECOND * SECOND
    for path in _sorted(folder):
        if path.lstat().st_mtime_ns >= since:
            os.utime(path, (BUILT, BUILT), follow_symlinks=False)


def pack(folder: Path, target: Path) -> Packed:
    """Write the layer of `folder` to `target`."""
    with target.open("wb") as raw:
        outer = _Hashing(raw)
        with gzip.GzipFile("", "wb", LEVEL, outer, mtime=0) as compressor:
            inner = _Hashing(compressor)
            with tarfile.open(fileobj=inner, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for path in _sorted(folder):
                    _add(archive, path, str(path.relative_to(folder)))
        raw.flush()
        os.fsync(raw.fileno())
    return Packed(outer.digest, inner.digest, outer.size, inner.size)


def _sorted(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _sorted(path)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    seen = path.lstat()
    if stat.S_ISSOCK(seen.st_mode):
        return
    if stat.S_ISCHR(seen.st_mode) and seen.st_rdev == _WHITEOUT:
        _mark(archive, name, f".wh.{path.name}")
        return
    entry = archive.gettarinfo(path, name)
    entry.uname = entry.gname = ""
    entry.mtime = int(seen.st_mtime)  # packages have whole seconds, and so has the format
    if entry.isreg():
        if capability := _attribute(path, _CAPABILITY):
            # Archives carry attributes as text in which each byte is a character.
            entry.pax_headers = {
                f"SCHILY.xattr.{_CAPABILITY}": capability.decode("utf-8", "surrogateescape")
            }
        with path.open("rb") as content:
            archive.addfile(entry, content)
        return
    archive.addfile(entry)
    if entry.isdir() and any(_attribute(path, attribute) == b"y" for attribute in _OPAQUE):
        _mark(archive, f"{name}/x", ".wh..wh..opq")


def _mark(archive: tarfile.TarFile, name: str, mark: str) -> None:
    entry = tarfile.TarInfo(str(Path(name).with_name(mark)))
    entry.mtime = BUILT
    archive.addfile(entry)


def _attribute(path: Path, name: str) -> bytes:
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:  # not set, or a file system without attributes
        return b""
