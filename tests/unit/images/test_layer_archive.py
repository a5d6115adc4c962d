"""Layers as archives: equal content gives equal bits; what an overlay hides becomes a mark."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import stat
import tarfile
import time
from pathlib import Path

import pytest

from bob.images import archive

OLD = 1_600_000_000  # a file that came out of a package
NOW_NS = time.time_ns()


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    folder = tmp_path / "diff"
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/package.conf").write_text("from a package\n")
    os.utime(folder / "etc/package.conf", (OLD, OLD))
    (folder / "etc/made").write_text("by the build\n")
    (folder / "etc/link").symlink_to("made")
    os.link(folder / "etc/made", folder / "etc/same")
    return folder


def pack(folder: Path, name: str = "layer.tar.gz") -> tuple[archive.Packed, Path]:
    target = folder.parent / name
    archive.settle_times(folder, NOW_NS - 10**10)
    return archive.pack(folder, target), target


def entries(target: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(target) as tar:
        return {entry.name: entry for entry in tar}


def test_the_digests_are_those_of_the_file_and_of_the_archive_inside(layer: Path) -> None:
    packed, target = pack(layer)
    content = target.read_bytes()
    inside = gzip.decompress(content)
    assert packed.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert packed.diff_id == f"sha256:{hashlib.sha256(inside).hexdigest()}"
    assert (packed.size, packed.unpacked) == (len(content), len(inside))


def test_the_same_content_gives_the_same_bits_whenever_it_was_made(layer: Path) -> None:
    before, _ = pack(layer)
    later = time.time() + 1000
    for path in layer.rglob("*"):
        if path.lstat().st_mtime != OLD:
            os.utime(path, (later, later), follow_symlinks=False)
    after, _ = pack(layer, "again.tar.gz")
    assert before == after


def test_a_copy_with_its_time_in_whole_seconds_is_of_this_build(layer: Path) -> None:
    began = 1_800_000_000_900_000_000
    made, copied = layer / "etc/made", layer / "etc/made-"
    copied.write_text("before")
    os.utime(made, ns=(began, began + 50_000_000))
    os.utime(copied, (began // 10**9, began // 10**9))  # as useradd keeps /etc/group-
    archive.settle_times(layer, began)
    assert made.stat().st_mtime == copied.stat().st_mtime == archive.BUILT


def test_files_of_packages_keep_their_time_and_built_ones_get_a_fixed_one(layer: Path) -> None:
    found = entries(pack(layer)[1])
    assert found["etc/package.conf"].mtime == OLD
    assert found["etc/made"].mtime == found["etc"].mtime == archive.BUILT


def test_later_layers_find_the_fixed_time_too(layer: Path) -> None:
    pack(layer)
    assert (layer / "etc/made").stat().st_mtime == archive.BUILT
    assert (layer / "etc/link").lstat().st_mtime == archive.BUILT
    assert (layer / "etc/package.conf").stat().st_mtime == OLD


def test_links_stay_links_and_names_are_sorted(layer: Path) -> None:
    found = entries(pack(layer)[1])
    assert list(found) == ["etc", "etc/link", "etc/made", "etc/package.conf", "etc/same"]
    assert (found["etc/link"].issym(), found["etc/link"].linkname) == (True, "made")
    assert (found["etc/same"].islnk(), found["etc/same"].linkname) == (True, "etc/made")


def test_owners_are_numbers(layer: Path) -> None:
    for entry in entries(pack(layer)[1]).values():
        assert (entry.uname, entry.gname) == ("", "")
        assert (entry.uid, entry.gid) == (os.getuid(), os.getgid())


def test_a_socket_is_left_out(layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(layer)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("s")
        assert "s" not in entries(pack(layer)[1])


class Whiteout:
    """What `lstat` says of a name that the overlay hides; only root can make one."""

    def __init__(self, path: Path) -> None:
        self.st_mode = stat.S_IFCHR
        self.st_rdev = self.st_mtime_ns = 0
        self.path = path


def test_a_removed_name_becomes_a_mark(layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (layer / "etc/gone").write_text("")
    real = Path.lstat

    def lstat(path: Path) -> object:
        return Whiteout(path) if path.name == "gone" else real(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    found = entries(pack(layer)[1])
    assert "etc/gone" not in found
    assert found["etc/.wh.gone"].size == 0


def test_a_folder_that_hides_the_one_below_gets_a_mark_inside(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attribute(path: Path, name: str, **_: object) -> bytes:
        if path.name == "etc" and name == "trusted.overlay.opaque":
            return b"y"
        raise OSError

    monkeypatch.setattr(os, "getxattr", attribute)
    names = list(entries(pack(layer)[1]))
    assert names[:2] == ["etc", "etc/.wh..wh..opq"]


def test_the_right_of_a_program_travels_with_it(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = b"\x01\x00\x00\x02\x00\x20\x00\x00\xff"

    def attribute(path: Path, name: str, **_: object) -> bytes:
        if path.name == "made" and name == "security.capability":
            return right
        raise OSError

    monkeypatch.setattr(os, "getxattr", attribute)
    found = entries(pack(layer)[1])
    value = found["etc/made"].pax_headers["SCHILY.xattr.security.capability"]
    assert value.encode("utf-8", "surrogateescape") == right
    assert not found["etc/package.conf"].pax_headers
