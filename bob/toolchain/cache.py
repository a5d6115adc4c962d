"""The cache of binaries.

    <cache>/toolchain/<tool>/lock                          one installer at a time
    <cache>/toolchain/<tool>/tmp-*                         its work, swept by the next holder
    <cache>/toolchain/<tool>/<version>/<key>/<tool>        the binary
    <cache>/toolchain/<tool>/<version>/<key>/stamp.json    makes it valid

A slot (the last folder) appears by one rename of a complete folder. `key` says how the binary came
to be: `release-<arch>`, `build-<arch>-<recipe>`, or `path-<hash>` for a user's own file, whose slot
holds only the stamp.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bob import paths
from bob.toolchain.model import Tool

STAMP = "stamp.json"
TEMPORARY = "tmp-"


@dataclass(frozen=True)
class Stamp:
    """What was known about the binary when it was put here. Times are nanoseconds."""

    version: str
    source: str
    path: str  # relative to the slot, so that the cache can be moved; absolute for a user's file
    sha256: str
    size: int
    mtime_ns: int
    origin: str = ""  # sum of the release archive, or the Go version of the build


def home(name: str) -> Path:
    """The folder of everything kept about one tool."""
    return paths.cache_dir() / "toolchain" / name


def slot_of(name: str, version: str, key: str) -> Path:
    """The folder of one binary."""
    return home(name) / version / key


def read_stamp(slot: Path) -> Stamp | None:
    """The stamp of a slot, or None when there is none or the binary is not the stamped one.

    Size and time are compared; where only the time differs (a restored backup), the sum decides.
    """
    try:
        stamp = Stamp(**json.loads((slot / STAMP).read_text()))
        binary = slot / stamp.path
        seen = binary.stat()
    except (OSError, ValueError, TypeError):
        return None
    if seen.st_size != stamp.size or not os.access(binary, os.X_OK):
        return None
    if seen.st_mtime_ns == stamp.mtime_ns:
        return stamp
    if _sum(binary) != stamp.sha256:
        return None
    renewed = replace(stamp, mtime_ns=seen.st_mtime_ns)
    with contextlib.suppress(OSError):  # a read-only cache costs the sum each time
        _write_stamp(slot, renewed)
    return renewed


def tool_of(name: str, slot: Path, stamp: Stamp) -> Tool:
    """The public view of a stamped binary."""
    path = slot / stamp.path
    return Tool(name, stamp.version, path, stamp.sha256, stamp.size, stamp.source, slot)


@contextlib.contextmanager
def workspace(name: str) -> Iterator[Path]:
    """A private folder on the cache's file system. The caller holds the tool's lock."""
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=home(name)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def install(name: str, slot: Path, binary: Path, version: str, source: str, origin: str) -> Tool:
    """Move a verified `binary` out of a workspace into `slot`. The caller holds the tool's lock.

    `origin` is the sum of the release archive, or the Go version of the build.
    """
    complete = binary.parent / "slot"
    complete.mkdir()
    binary.chmod(0o755)
    binary.rename(complete / name)
    _flush(complete / name)
    _write_stamp(complete, _examine(complete, name, version, source, origin))
    return _publish(name, complete, slot)


def record(name: str, slot: Path, binary: Path, version: str, source: str) -> Tool:
    """Stamp a `binary` that stays where it is. The caller holds the tool's lock."""
    with workspace(name) as work:
        complete = work / "slot"
        complete.mkdir()
        _write_stamp(complete, _examine(complete, str(binary), version, source, ""))
        return _publish(name, complete, slot)


def _examine(slot: Path, path: str, version: str, source: str, origin: str) -> Stamp:
    binary = slot / path
    seen = binary.stat()
    return Stamp(version, source, path, _sum(binary), seen.st_size, seen.st_mtime_ns, origin)


def _sum(binary: Path) -> str:
    with binary.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_stamp(slot: Path, stamp: Stamp) -> None:
    """Replace the stamp in one step: another run may be reading it."""
    part = slot / f"{STAMP}.{os.getpid()}"
    part.write_text(json.dumps(asdict(stamp), indent=1) + "\n")
    _flush(part)
    part.rename(slot / STAMP)


def _publish(name: str, complete: Path, slot: Path) -> Tool:
    slot.parent.mkdir(parents=True, exist_ok=True)
    if slot.exists():
        slot.rename(complete.parent / "replaced")  # removed together with the workspace
    complete.rename(slot)
    stamp = read_stamp(slot)
    if stamp is None:
        raise RuntimeError(f"{slot} changed while it was being installed")
    return tool_of(name, slot, stamp)


def _flush(file: Path) -> None:
    """A power cut after the rename must not leave an empty file under a valid name."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
