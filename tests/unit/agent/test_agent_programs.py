"""Programs of a node, packed for another one."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from bob.agent.machine import Machine
from bob.agent.programs import Programs
from bob.errors import Permanent
from bob.toolchain.packing import debian_archive, pack_file

CONTENT = b"#!/bin/sh\n" + bytes(range(256)) * 1000


class Host:
    """Programs below a folder, linked as on a node."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "opt/bob/bin"
        self.bin.mkdir(parents=True)
        self.root = root
        self.programs = Programs(root / "packed", Machine(root))

    def install(self, name: str, content: bytes, stamp: str = "") -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        place = f"/opt/bob/store/{name}-{stamp or sha256[:16]}/{name}"
        file = self.root / place[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        link = self.bin / name
        link.unlink(missing_ok=True)
        link.symlink_to(place)
        return sha256


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    (host.bin / "wait-for-consul").touch()
    (host.bin / "bob-agent").symlink_to("/opt/bob/store/bob-0123456789abcdef/bob-agent")
    return host


def test_programs_are_packed_once_and_forgotten_when_replaced(host: Host) -> None:
    sums = {name: host.install(name, CONTENT + name.encode()) for name in ("consul", "nomad")}
    found = host.programs()
    assert {one.name: one.sha256 for one in found} == sums
    packed = {one.name: one.packed for one in found}
    marks = {path: path.stat().st_mtime_ns for path in packed.values()}
    assert host.programs() == found
    assert {path: path.stat().st_mtime_ns for path in packed.values()} == marks
    host.install("nomad", CONTENT + b"newer")
    assert packed["nomad"] not in {one.packed for one in host.programs()}
    assert not packed["nomad"].exists()
    assert packed["consul"].exists()


def test_a_damaged_program_is_not_passed_on(host: Host) -> None:
    host.install("nomad", CONTENT, stamp="0" * 16)
    with pytest.raises(Permanent, match="nomad is damaged"):
        host.programs()
    assert list((host.root / "packed").iterdir()) == []


def test_a_program_packed_piece_by_piece_is_the_same(tmp_path: Path) -> None:
    program, archive = tmp_path / "nomad", tmp_path / "nomad.deb"
    program.write_bytes(CONTENT)
    pack_file("nomad", program, archive)
    assert set(tmp_path.iterdir()) == {program, archive}
    packed = archive.read_bytes()
    at_once = debian_archive(b"")
    head = at_once[: at_once.index(b"data.tar.zst")]
    assert packed.startswith(head)
    size = int(packed[len(head) + 48 : len(head) + 58])
    data = packed[len(head) + 60 :][:size]
    tar = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    with tarfile.open(fileobj=io.BytesIO(tar)) as files:
        entry = files.getmember("./nomad")
        assert entry.mode == 0o755
        inside = files.extractfile(entry)
        assert inside
        assert inside.read() == CONTENT
