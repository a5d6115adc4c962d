"""The scripts that put files on a host, run by a real shell on this machine."""

from __future__ import annotations

import getpass
import grp
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from bob.clients.ssh import Result
from bob.provision import install
from bob.provision.node_files import NodeFile


class Here:
    """A `Host` that is this machine, with a `systemctl` that writes down what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.asked = folder / "asked"
        program = folder / "bin" / "systemctl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "$*" >>{self.asked}\ntest ! -e {folder}/broken\n')
        program.chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}

    def run(self, script: str, **_: object) -> Result:
        return self.feed("sh -s", [script.encode()])

    def feed(self, command: str, chunks: Iterable[bytes]) -> Result:
        done = subprocess.run(
            command, shell=True, input=b"".join(chunks), capture_output=True, check=False,
            env=self._environment,
        )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setattr(install, "STALE", str(tmp_path / "stale"))
    return Here(tmp_path)


def make_file(path: Path, content: bytes = b"new") -> NodeFile:
    owner, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    return NodeFile(str(path), content, 0o640, owner, group)


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
