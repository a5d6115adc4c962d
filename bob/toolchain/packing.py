"""A binary packed for the transfer to hosts, made once.

It is a Debian archive with zstd inside, since `dpkg-deb` is the one program on every bare Debian
host that unpacks zstd: six times faster than gzip, and a fifth smaller (measured). Nothing is
installed as a package; a host reads it with `dpkg-deb --fsys-tarfile - | tar -xO`.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from bob.toolchain import cache
from bob.toolchain.children import Children
from bob.toolchain.locks import locked
from bob.toolchain.model import Run, Tool
from bob.toolchain.progress import SILENT

LEVEL = 3  # zstd's default; higher levels cost seconds and save two megabytes
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
    return b"!<arch>\n" + b"".join(
        (
            _member("debian-binary", b"2.0\n"),
            _member("control.tar", _tar("control", CONTROL)),
            _member("data.tar.zst", data),
        )
    )


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(f"./{name}")
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _member(name: str, content: bytes) -> bytes:
    """A member with the header of ar(5): name, time, owner, group, mode, size; even length."""
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
    return header.encode() + content + b"\n" * (len(content) % 2)
