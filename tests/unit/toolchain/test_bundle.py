"""Bob packed for the hosts: what is in it, that it is enough, and when it is another one."""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bob.errors import Permanent
from bob.toolchain.bundle import Bundle, archive, content, elf, foreign
from bob.toolchain.bundle.ensure import Target, _find, here

# With nothing but the folder and the standard library: names the modules that cannot be imported.
IMPORT_ALL = """
import sys, pkgutil, importlib, json
sys.path.insert(0, sys.argv[1])
failed = {}
for package in map(importlib.import_module, ("bob", "healthcheck", "inventory")):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        try:
            importlib.import_module(module.name)
        except Exception as error:
            failed[module.name] = repr(error)
print(json.dumps(failed))
"""
PACK_AGAIN = """
import sys
sys.path.insert(0, sys.argv[1])
from bob.toolchain.bundle import ensure
found = ensure(*sys.argv[2:])
print(found.digest, found.packed)
"""
PLAIN = ["-I", "-S", "-OO", "-W", "ignore", "-c"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOB_CACHE", str(tmp_path_factory.mktemp("cache")))
        own = list(content.own_files())
        patch.setattr(content, "own_files", lambda: own)  # no edit changes it while tests run
        yield _find(here())


@pytest.fixture(scope="module")
def files(made: Bundle) -> dict[str, bytes]:
    return unpacked(made.packed)


def unpacked(packed: Path) -> dict[str, bytes]:
    tar = subprocess.check_output(["dpkg-deb", "--fsys-tarfile", packed])
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        return {one.name: tar[one.offset_data : one.offset_data + one.size] for one in members}


@pytest.fixture(scope="module")
def folder(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("unpacked")
    for place, data in files.items():
        (top / place).parent.mkdir(parents=True, exist_ok=True)
        (top / place).write_bytes(data)
    return top


def run_plain(script: str, *words: str | Path, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, *PLAIN, script, *words], capture_output=True, text=True, check=True,
        env={**os.environ, **environment}, timeout=60,
    ).stdout  # fmt: skip


def test_every_module_of_bob_in_it_finds_what_it_needs(folder: Path) -> None:
    assert json.loads(run_plain(IMPORT_ALL, folder)) == {}


def test_it_holds_what_a_node_uses_and_nothing_else(files: dict[str, bytes]) -> None:
    assert {"bob-agent", "__main__.py", "bundle.json", "inventory/model.py"} <= files.keys()
    assert "templates/node/consul.service.j2" in files
    assert "jobs/demo/job.nomad.hcl.j2" in files
    for place, data in files.items():
        assert data, place
        assert not place.startswith(("bob/commands/", "bob/sandbox/", "rich/", "/", "..")), place
        assert not place.endswith((".pyi", ".c", "RECORD")), place
        assert not {"test", "tests"} & set(Path(place).parts), place
    total = sum(len(data) for data in files.values())
    assert total < 45_000_000


def test_every_module_has_byte_code_that_is_valid_at_any_time(files: dict[str, bytes]) -> None:
    modules = [place for place in files if place.endswith(".py") and not archive._of_a_task(place)]
    assert len(modules) > 300
    for place in modules:
        code = files[archive._cached(place)]
        assert code[4:8] == archive.UNCHECKED


def test_a_program_that_a_service_brings_along_is_left_as_it_is(files: dict[str, bytes]) -> None:
    """It may hold marks of its job's template, which are no Python."""
    place = "jobs/haproxy/hapsync.py"
    assert place in files
    assert archive._cached(place) not in files
    source = b"port = [[ value('port') ]] once {{ key }}\n"
    packed = archive.members([], {"jobs/web/templates/start.py": source}, compiled=True)
    assert source in packed


def test_it_starts_the_daemon_with_the_python_of_the_host(files: dict[str, bytes]) -> None:
    assert files["bob-agent"].startswith(b"#!/bin/sh\n")
    assert b"exec /usr/bin/python3 -I -S -OO " in files["bob-agent"]
    assert b"bob.agent" in files["__main__.py"]
    assert archive.OPTIMIZE == 2  # what -OO looks for


def test_equal_code_has_an_equal_digest_and_is_made_once(
    made: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = made.packed.stat().st_mtime_ns
    assert _find(here()) == made
    assert made.packed.stat().st_mtime_ns == written
    monkeypatch.setenv("BOB_CACHE", str(tmp_path))
    assert _find(here()).digest == made.digest


def test_other_code_has_another_digest_but_the_same_libraries(
    made: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = made.packed.parents[1]
    (libraries,) = cache.glob("libraries-*.tar")
    written = libraries.stat().st_mtime_ns
    changed = tmp_path / "changed.py"
    changed.write_text("CHANGED = 1\n")
    own = [*content.own_files(), content.Entry("bob/changed.py", changed, "0" * 64)]
    monkeypatch.setattr(content, "own_files", lambda: own)
    other = _find(here())
    assert other.digest != made.digest
    assert [libraries] == list(cache.glob("libraries-*.tar"))
    assert libraries.stat().st_mtime_ns == written


def test_a_node_packs_the_folder_it_runs_from(
    made: Bundle, folder: Path, files: dict[str, bytes], tmp_path: Path
) -> None:
    target = here()
    said = run_plain(
        PACK_AGAIN, folder, target.python, target.machine, BOB_CACHE=str(tmp_path / "cache")
    )
    digest, packed = said.split()
    assert digest == made.digest
    assert unpacked(Path(packed)) == files


def test_a_node_cannot_pack_for_another_python(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_plain(PACK_AGAIN, folder, "3.99", platform.machine(), BOB_CACHE=str(tmp_path))
    assert "this node cannot make Bob for Python 3.99" in caught.value.stderr


def test_the_lock_has_the_sums_of_every_library() -> None:
    names = list(content.libraries())
    assert {"pydantic", "pydantic-core", "requests", "cryptography", "paramiko"} <= set(names)
    assert not {"rich", "typer", "pytest", "mypy"} & set(names)
    for name, pin in zip(names, foreign.pins(names), strict=True):
        assert pin.startswith(f"{name}==")
        assert "--hash=sha256:" in pin


def test_a_library_that_the_lock_does_not_name_is_refused() -> None:
    with pytest.raises(Permanent, match="does not name nonesuch"):
        foreign.pins(["nonesuch"])


def test_what_pip_cannot_fetch_is_told_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"Bob's libraries for Python 3.11 on x86_64") as caught:
        foreign.download(tmp_path, ["requests==0 --hash=sha256:00"], "3.11", "x86_64")
    assert caught.value.cure == foreign.CURE


def test_targets_differ_in_python_and_processor() -> None:
    digests = {
        content.digest_of(["1", repr(target)])
        for target in (Target("3.11", "x86_64"), Target("3.13", "x86_64"), Target("3.11", "arm"))
    }
    assert len(digests) == 3


def test_an_extension_without_debug_information_is_loaded(folder: Path) -> None:
    (extension,) = folder.glob("zstandard/backend_c.*.so")
    assert extension.stat().st_size < 3_000_000
    script = "import sys; sys.path.insert(0, sys.argv[1]); import zstandard as z; print(z.backend)"
    assert run_plain(script, folder).strip() == "cext"


def test_only_elf_files_are_shortened() -> None:
    assert elf.loaded(b"#!/bin/sh\n") == b"#!/bin/sh\n"
    assert elf.loaded(b"") == b""
