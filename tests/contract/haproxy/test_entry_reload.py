"""What a real haproxy has loaded is what the file says, however fast the file changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_agents import free_ports

from bob.waiting import wait_for

JOB = Path(__file__).parents[3] / "jobs" / "haproxy"
SOON = 30.0
CONFIG = """\
global
  hard-stop-after 1s
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend http
  bind 127.0.0.1:{port}
  http-request return status 200 content-type text/plain string {word}
backend web
  server s1 {server}
"""
CHANGES_THE_FILE = """\
#!/bin/sh
[ ! -e meanwhile.cfg ] || mv meanwhile.cfg haproxy.cfg
exec {haproxy} "$@"
"""


class Entry:
    """The task of the job with its file, and a haproxy for which `meanwhile` comes in between."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.port,) = free_ports(1)
        program = folder / "bin" / "haproxy"
        program.parent.mkdir()
        program.write_text(CHANGES_THE_FILE.format(haproxy=shutil.which("haproxy")))
        program.chmod(0o755)
        self._environment = {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "NOMAD_TASK_DIR": str(folder),
            "ADMIN_SOCKET": str(folder / "sockets" / "admin.sock"),
            "RELOAD": (JOB / "reload.sh").read_text(),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, word: str, server: str = "127.0.0.1:1", *, name: str = "haproxy.cfg") -> None:
        text = CONFIG.format(port=self.port, word=word, server=server)
        part = self.folder / "part"
        part.write_text(text)
        part.rename(self.folder / name)

    def start(self) -> None:
        argv = ["/bin/sh", "-c", (JOB / "start.sh").read_text()]
        self._process = subprocess.Popen(argv, env=self._environment)

    def reload(self) -> None:
        argv = ["/bin/sh", "-c", self._environment["RELOAD"]]
        subprocess.run(argv, env=self._environment, check=True, timeout=SOON)

    def says(self, word: str) -> None:
        wait_for(lambda: self.answer() == word, what=word, deadline=SOON)

    def answer(self) -> str:
        """One word, "" when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def workers(self) -> list[str]:
        assert self._process is not None
        ident = self._process.pid
        return Path(f"/proc/{ident}/task/{ident}/children").read_text().split()

    def end(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(SOON)


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Entry]:
    made = Entry(tmp_path)
    yield made
    made.end()


def test_a_file_that_changes_and_changes_back_while_it_is_loaded(entry: Entry) -> None:
    """All services are deployed anew: what goes and comes back is in the file, not, and again."""
    entry.write("old")
    entry.write("between", name="meanwhile.cfg")
    entry.start()
    wait_for(entry.answer, what="an answer", deadline=SOON)
    entry.write("old")
    entry.reload()
    entry.says("old")


def test_a_change_while_the_task_starts_is_made_up_for(entry: Entry) -> None:
    """Nomad runs no script for it."""
    entry.write("old")
    entry.write("new", name="meanwhile.cfg")
    entry.start()
    entry.says("new")


def test_a_change_for_which_no_script_ran_is_loaded(entry: Entry) -> None:
    """Nomad gives a script up that takes too long."""
    entry.write("old")
    entry.start()
    entry.says("old")
    for word in ("new", "newer"):
        entry.write(word)
        entry.says(word)


def test_a_new_layout_is_loaded_and_another_instance_is_not(entry: Entry) -> None:
    entry.write("old")
    entry.start()
    entry.says("old")
    entry.write("new")
    entry.reload()
    entry.says("new")
    wait_for(lambda: len(entry.workers()) == 1, what="the old worker's end", deadline=SOON)
    before = entry.workers()
    another = "192.0.2.9:80"
    entry.write("new", another)
    entry.reload()
    assert entry.workers() == before
    assert another not in (entry.folder / "loaded.cfg").read_text()


def test_what_haproxy_refuses_is_not_loaded(entry: Entry) -> None:
    entry.write("old")
    entry.start()
    entry.says("old")
    entry.write("new words that make no sense")
    with pytest.raises(subprocess.CalledProcessError):
        entry.reload()
    entry.says("old")
    entry.write("new")
    entry.reload()
    entry.says("new")
