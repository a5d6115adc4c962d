"""A binary packed for the transfer to hosts, made once.

It is a Debian archive with zstd inside, since `dpkg-deb` is the one program on every bare Debian
host that unpacks zstd: six times faster than gzip, and a fifth smaller (measured). Nothing is
installed as a package; a host reads it with `dpkg-deb --fsys-tarfile - | tar -xO`.
"""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

from bob.toolchain import cache
from bob.toolchain.children import Children
from bob.toolchain.locks import locked
from bob.toolchain.model import Run, Tool
from bob.toolchain.progress import SILENT

LEVEL = 3  # zstd's default; higher levels cost seconds and save two megabytes
FORMAT = tarfile.USTAR_FORMAT
CONTROL = b"Package: bob-tool\nVersion: 0\nArchitecture: all\nMaintainer: bob\nDescription: bob\n"


def packed(tool: Tool) -> Path:
    """The archive's path. Equal binaries give equal archives: no time or owner is stored inside.

    It is part of the binary's slot, so it goes when the slot is replaced by another binary.
    """
    target = tool.slot / f"{tool.name}.deb"
    if target.exists():
        return target
    with locked(tool.name, Run(SILENT, Children())), cache.workspace(tool.name) as work:
        if not target.exists():
            part = work / target.name
            part.write_bytes(debian_archive(_tar(tool.name, tool.path.read_bytes())))
            part.rename(target)
    return target


def debian_archive(files: bytes) -> bytes:
    """An ar archive of the three members that deb(5) asks for. `files` is a tar archive."""
    import zstandard

    data = zstandard.ZstdCompressor(level=LEVEL).compress(files)
    return _start() + _member("data.tar.zst", data)


def pack_file(name: str, source: Path, target: Path) -> None:
    """The same archive of one program, made piece by piece: for a daemon with little memory."""
    import zstandard

    size = source.stat().st_size
    data = target.with_suffix(".data")
    try:
        with source.open("rb") as program, data.open("wb") as raw:
            packer = zstandard.ZstdCompressor(level=LEVEL).stream_writer(raw, closefd=False)
            with packer, tarfile.open(fileobj=packer, mode="w|", format=FORMAT) as archive:
                archive.addfile(_entry(name, size), program)
        length = data.stat().st_size
        with data.open("rb") as packed, target.open("wb") as whole:
            whole.write(_start() + _header("data.tar.zst", length))
            shutil.copyfileobj(packed, whole)
            whole.write(b"\n" * (length % 2))
    finally:
        data.unlink(missing_ok=True)


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=FORMAT) as archive:
        archive.addfile(_entry(name, len(content)), io.BytesIO(content))
    return buffer.getvalue()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"./{name}")
    entry.size, entry.mode = size, 0o755
    return entry


def _start() -> bytes:
    """What comes before the files."""
    return (
        b"!<arch>\n"
        + _member("debian-binary", b"2.0\n")
        + _member("control.tar", _tar("control", CONTROL))
    )


def _member(name: str, content: bytes) -> bytes:
    """A member of an ar archive; its length is even."""
    return _header(name, len(content)) + content + b"\n" * (len(content) % 2)


def _header(name: str, length: int) -> bytes:
    """The header of ar(5): name, time, owner, group, mode, size."""
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{length:<10}`\n".encode()
