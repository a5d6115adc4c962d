"""Container images made here, without a registry and without a docker daemon.

An image holds busybox and the files of one folder. It is bit-identical for identical content, and
its tag is derived from the content, so a tag never means two things and nothing is sent twice.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bob.errors import Permanent

BUSYBOX = Path("/bin/busybox")
ARCHITECTURES = {0x3E: "amd64", 0xB7: "arm64"}  # e_machine of ELF -> as docker calls it
PT_INTERP = 3  # program header that names a dynamic linker
DIGEST_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its name ("bob-demo:1f0c…") and the archive that `docker load` reads."""

    name: str
    archive: bytes = field(repr=False)


def build_image(name: str, files: Mapping[str, bytes], busybox: Path = BUSYBOX) -> Image:
    """An image with `files` (by path) and the operator's busybox as /bin/busybox and /bin/sh.

    Raises `Permanent` when there is no static busybox.
    """
    program = _read_busybox(busybox)
    layer = _tar({"bin/busybox": program, **files}, links={"bin/sh": "busybox"})
    config = {
        "architecture": architecture(program, busybox),
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(layer)}"]},
    }
    config_json = json.dumps(config, sort_keys=True).encode()
    digest = _sha256(config_json)
    full_name = f"{name}:{digest[:DIGEST_LENGTH]}"
    manifest = [{"Config": f"{digest}.json", "RepoTags": [full_name], "Layers": ["layer.tar"]}]
    archive = _tar(
        {
            "manifest.json": json.dumps(manifest).encode(),
            f"{digest}.json": config_json,
            "layer.tar": layer,
        }
    )
    return Image(full_name, archive)


def architecture(program: bytes, path: Path) -> str:
    """What a static ELF program runs on. Raises `Permanent` when it is none."""
    if program[:6] != b"\x7fELF\x02\x01":  # 64 bits, little end first
        raise _unusable(path, "is not a 64-bit Linux program")
    try:
        machine = struct.unpack_from("<H", program, 18)[0]
        start = struct.unpack_from("<Q", program, 32)[0]
        size, count = struct.unpack_from("<HH", program, 54)
        kinds = {struct.unpack_from("<I", program, start + i * size)[0] for i in range(count)}
    except struct.error as error:
        raise _unusable(path, "is cut off") from error
    if PT_INTERP in kinds:
        raise _unusable(path, "is dynamically linked")
    if machine not in ARCHITECTURES:
        raise _unusable(path, f"is made for an unknown processor ({machine:#x})")
    return ARCHITECTURES[machine]


def _read_busybox(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror})") from error


def _unusable(path: Path, reason: str) -> Permanent:
    return Permanent(
        f"{path} {reason}; the image is made from a static busybox on this machine",
        cure="Install it: apt-get install busybox-static",
    )


def _tar(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A tar archive of folders, programs and symbolic links: sorted, without times and owners.

    All files are executable: archives of Python packages do not keep that bit. Folders have an
    entry of their own, else docker makes them with rights for root only.
    """
    links = links or {}
    names = {*files, *links}
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents[:-1]}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(names | folders):
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755
            content = files.get(name, b"")
            if name in folders:
                entry.type = tarfile.DIRTYPE
            elif name in links:
                entry.type, entry.linkname = tarfile.SYMTYPE, links[name]
            else:
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
