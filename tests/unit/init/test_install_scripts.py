"""The scripts that put files on a host, run by a real shell on this machine."""

from __future__ import annotations

import getpass
import grp
import hashlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from local_host import Here

from bob.clients.ssh import Result
from bob.provision import install
from bob.provision.node_files import NodeFile
from bob.toolchain.packing import _tar, debian_archive


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setattr(install, "STALE", str(tmp_path / "stale"))
    return Here(tmp_path)


def make_file(path: Path, content: bytes = b"new") -> NodeFile:
    owner, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    return NodeFile(str(path), content, 0o640, owner, group)


def test_a_binary_is_there_when_its_link_leads_to_its_content(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "STORE", str(tmp_path / "store"))
    monkeypatch.setattr(install, "BIN", tmp_path / "opt")
    program = b"#!/bin/sh\necho v1\n"
    archives = {name: tmp_path / f"{name}.deb" for name in ("tool", "other")}
    for name, archive in archives.items():
        archive.write_bytes(debian_archive(_tar(name, program)))
    tool = install.Binary("tool", hashlib.sha256(program).hexdigest(), archives["tool"])
    other = install.Binary("other", "0" * 64, archives["other"])

    assert install.missing_programs(here, [tool, other]) == (tool, other)  # type: ignore[arg-type]
    for binary in (tool, other):  # what travelled is not what `other` should be
        install.send_program(here, binary, 10)  # type: ignore[arg-type]
    assert install.missing_programs(here, [tool, other]) == (other,)  # type: ignore[arg-type]
    assert subprocess.check_output([tmp_path / "opt/tool"]) == b"v1\n"
    assert [path.name for path in (tmp_path / "store").glob("*/*")] == ["tool"]

    Path(tool.place).write_bytes(b"")
    assert install.missing_programs(here, [tool]) == (tool,)  # type: ignore[arg-type]
    install.send_program(here, tool, 10)  # type: ignore[arg-type]
    assert install.missing_programs(here, [tool]) == ()  # type: ignore[arg-type]


def test_what_differs_is_found_sent_and_then_the_same(here: Here, tmp_path: Path) -> None:
    old, new = make_file(tmp_path / "etc/old"), make_file(tmp_path / "etc/deep/new")
    Path(old.path).parent.mkdir()
    Path(old.path).write_bytes(b"old")
    assert install.differing(here, [old, new]) == (old.path, new.path)  # type: ignore[arg-type]
    install.send_files(here, [old, new])  # type: ignore[arg-type]
    assert install.differing(here, [old, new]) == ()  # type: ignore[arg-type]
    Path(new.path).chmod(0o644)
    assert install.differing(here, [old, new]) == (new.path,)  # type: ignore[arg-type]


def test_a_broken_transfer_replaces_nothing_but_marks_the_unit(here: Here, tmp_path: Path) -> None:
    file = make_file(tmp_path / "config", os.urandom(65536))
    whole = here.feed

    def broken(command: str, chunks: Iterable[bytes]) -> Result:
        return whole(command, [b"".join(chunks)[:30000]])

    here.feed = broken  # type: ignore[method-assign]
    install.send_files(here, [file], ["nomad"])  # type: ignore[arg-type]
    assert not Path(file.path).exists()
    here.feed = whole  # type: ignore[method-assign]
    assert install.stale_units(here) == ("nomad",)  # type: ignore[arg-type]


def test_a_stale_unit_is_restarted_once(here: Here, tmp_path: Path) -> None:
    install.send_files(here, [make_file(tmp_path / "config")], ["nomad"])  # type: ignore[arg-type]
    script = install.restart_script(["nomad", "consul-mgmt"])
    assert here.run(script).code == 0
    assert here.asked.read_text() == "try-restart nomad\n"
    assert install.stale_units(here) == ()  # type: ignore[arg-type]
    here.run(script)
    assert here.asked.read_text() == "try-restart nomad\n"


def test_a_unit_that_did_not_restart_stays_stale(here: Here, tmp_path: Path) -> None:
    install.send_files(here, [make_file(tmp_path / "config")], ["nomad"])  # type: ignore[arg-type]
    (tmp_path / "broken").touch()
    assert here.run(install.restart_script(["nomad"]) + "true\n").code == 1
    assert install.stale_units(here) == ("nomad",)  # type: ignore[arg-type]
