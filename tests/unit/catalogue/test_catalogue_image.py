"""Images made without docker: the same content gives the same bits and the same tag."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from pathlib import Path

import pytest

from bob.catalogue import build_image
from bob.catalogue.image import PT_INTERP
from bob.errors import Permanent

FILES = {"www/health": b"ok\n", "www/cgi-bin/index.cgi": b"#!/bin/sh\n"}
PT_LOAD = 1


def elf(*program_headers: int, machine: int = 0x3E) -> bytes:
    """A 64-bit program with these kinds of program headers; just what is looked at."""
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<H", header, 18, machine)
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, len(program_headers))
    return bytes(header) + b"".join(struct.pack("<I52x", kind) for kind in program_headers)


@pytest.fixture
def busybox(tmp_path: Path) -> Path:
    path = tmp_path / "busybox"
    path.write_bytes(elf(PT_LOAD))
    return path


def unpack(archive: bytes) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            entry.name: (entry, file.read() if (file := tar.extractfile(entry)) else b"")
            for entry in tar
            if not entry.issym()
        } | {entry.name: (entry, b"") for entry in tar if entry.issym()}


def test_the_archive_is_what_docker_load_reads(busybox: Path) -> None:
    image = build_image("bob-thing", FILES, busybox)
    outer = unpack(image.archive)
    (manifest,) = json.loads(outer["manifest.json"][1])
    assert manifest["RepoTags"] == [image.name]
    config_json = outer[manifest["Config"]][1]
    config = json.loads(config_json)
    assert manifest["Config"] == f"{hashlib.sha256(config_json).hexdigest()}.json"
    assert config["architecture"] == "amd64"
    layer = outer[manifest["Layers"][0]][1]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]


def test_the_layer_holds_busybox_and_the_files_for_every_user(busybox: Path) -> None:
    layer = unpack(unpack(build_image("bob-thing", FILES, busybox).archive)["layer.tar"][1])
    assert layer["bin/busybox"][1] == busybox.read_bytes()
    assert layer["bin/sh"][0].linkname == "busybox"
    assert layer["www/health"][1] == b"ok\n"
    assert {name for name, (entry, _) in layer.items() if entry.isdir()} == {
        "bin", "www", "www/cgi-bin",
    }  # fmt: skip
    for entry, _ in layer.values():
        assert (entry.mode, entry.mtime, entry.uid, entry.uname) == (0o755, 0, 0, "")


def test_the_same_content_gives_the_same_image(busybox: Path) -> None:
    first = build_image("bob-thing", FILES, busybox)
    assert build_image("bob-thing", dict(reversed(FILES.items())), busybox) == first


def test_other_content_gives_another_tag(busybox: Path) -> None:
    first = build_image("bob-thing", FILES, busybox)
    other = build_image("bob-thing", {**FILES, "www/health": b"OK\n"}, busybox)
    busybox.write_bytes(elf(PT_LOAD, PT_LOAD))
    third = build_image("bob-thing", FILES, busybox)
    assert len({first.name, other.name, third.name}) == 3
    assert all(image.name.startswith("bob-thing:") for image in (first, other, third))


def test_an_arm_program_makes_an_arm_image(busybox: Path) -> None:
    busybox.write_bytes(elf(PT_LOAD, machine=0xB7))
    archive = unpack(build_image("bob-thing", FILES, busybox).archive)
    (config,) = (json.loads(c) for name, (_, c) in archive.items() if len(name) == 69)
    assert config["architecture"] == "arm64"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"#!/bin/sh\n", "not a 64-bit Linux program"),
        (elf(PT_LOAD)[:60], "cut off"),
        (elf(PT_LOAD, PT_INTERP), "dynamically linked"),
        (elf(PT_LOAD, machine=0x15), "unknown processor"),
    ],
    ids=["absent", "script", "cut-off", "dynamic", "powerpc"],
)
def test_an_unusable_busybox_is_told_with_the_package_that_helps(
    busybox: Path, content: bytes | None, words: str
) -> None:
    if content is None:
        busybox.unlink()
    else:
        busybox.write_bytes(content)
    with pytest.raises(Permanent, match=words) as caught:
        build_image("bob-thing", FILES, busybox)
    assert str(busybox) in caught.value.message
    assert "busybox-static" in caught.value.cure
