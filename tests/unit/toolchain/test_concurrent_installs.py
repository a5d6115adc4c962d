"""Two processes at once, and processes killed in the middle of an installation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toolchain_doubles import FakeBuild
from vendor_site import Answer, Handler, VendorSite, body, program, zipped

from bob.errors import INTERRUPTED
from bob.toolchain import cache, ensure
from bob.toolchain.children import Stopped
from bob.toolchain.locks import locked
from bob.toolchain.model import Run, Tool, Unavailable, Wanted
from bob.toolchain.resolve import find_all, wanted_tools
from bob.waiting import wait_for

SCRIPT = Path(__file__).parent / "ensure_once.py"
Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(home: Path, site: VendorSite) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def launch() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, SCRIPT, site.address],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield launch
    for process in started:
        process.kill()
        process.communicate()


def held(answer: Answer, arrived: threading.Event, gate: threading.Event) -> Answer:
    """Tell that the request has arrived; answer when the gate opens."""

    def wait(handler: Handler) -> None:
        arrived.set()
        gate.wait(30)
        answer(handler)

    return wait


def half_then_held(content: bytes, arrived: threading.Event, gate: threading.Event) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        arrived.set()
        gate.wait(30)

    return answer


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if text in line:
            return
    pytest.fail(f"the process ended without saying {text!r}:\n{''.join(said)}")


def test_second_process_waits_and_finds_the_result(
    start: Start, site: VendorSite, gate: threading.Event
) -> None:
    site.publish("consul")
    archive = zipped("consul", program("consul", "1.22.3"))
    arrived = threading.Event()
    site.serve_archive("consul", "1.22.3", held(body(archive), arrived, gate))

    first = start()
    assert arrived.wait(30)
    second = start()
    read_until(second, "waiting for another run")
    gate.set()
    read_until(first, "ready from release")
    read_until(second, "ready from release")

    assert (first.wait(10), second.wait(10)) == (0, 0)
    assert site.requests.count(site.archive_name("consul", "1.22.3")) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_download_leaves_nothing_installed_and_the_next_run_recovers(
    start: Start, home: Path, site: VendorSite, gate: threading.Event, how: signal.Signals
) -> None:
    site.publish("consul")
    archive = zipped("consul", program("consul", "1.22.3"))
    arrived = threading.Event()
    site.serve_archive("consul", "1.22.3", half_then_held(archive, arrived, gate), body(archive))

    process = start()
    assert arrived.wait(30)
    process.send_signal(how)
    if how is signal.SIGINT:
        gate.set()  # the connection ends; the thread in it notices that the run was stopped
    assert process.wait(30) != 0

    assert not (home / "consul" / "1.22.3").exists()
    tool = ensure(["consul"], mirror=site.address).consul
    assert tool.path.read_bytes() == program("consul", "1.22.3")
    assert sorted(entry.name for entry in (home / "consul").iterdir()) == ["1.22.3", "lock"]


def test_interrupted_build_ends_its_compiler_and_leaves_nothing(
    home: Path, site: VendorSite, tmp_path: Path
) -> None:
    site.publish("nomad")
    site.publish("consul-template")
    pid_file = tmp_path / "pid"
    compiler = tmp_path / "go"
    compiler.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo go version go1.26.8 && exit\n'
        f"echo $$ > {pid_file}.part; mv {pid_file}.part {pid_file}; exec sleep 600\n"
    )
    compiler.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "bob", "toolchain", "ensure", "--mirror", site.address],
        env=os.environ | {"PATH": f"{tmp_path}:/usr/bin:/bin"}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(pid_file.exists, what="the compiler runs", deadline=60, interval=0.02)
        process.terminate()
        assert process.wait(30) == INTERRUPTED
    finally:
        process.kill()
        process.wait()
    assert not Path(f"/proc/{pid_file.read_text().strip()}").exists()
    assert [entry.name for entry in (home / "consul").iterdir()] == ["lock"]


class EndlessBuild:
    """A build whose child never ends."""

    name = "build"

    def __init__(self, folder: Path) -> None:
        self.pid_file = folder / "pid"

    def find(self, wanted: Wanted, run: Run) -> Tool:
        with cache.workspace(wanted.name):
            run.children.run(["sh", "-c", f"echo $$ > {self.pid_file}; exec sleep 600"], seconds=60)
        raise AssertionError("the endless build has ended")


class FailsWhenOtherRuns:
    """A source that fails as soon as the endless build is under way."""

    name = "release"

    def __init__(self, build: EndlessBuild) -> None:
        self.build = build

    def find(self, wanted: Wanted, run: Run) -> Tool:
        if wanted.name != "nomad":
            raise Unavailable("not here")
        wait_for(self.build.pid_file.exists, what="the other build runs", deadline=30)
        raise ValueError("nomad cannot be had")


def test_failure_of_one_tool_ends_the_build_of_another(
    home: Path, tmp_path: Path, run: Run
) -> None:
    endless = EndlessBuild(tmp_path)
    wanted = wanted_tools(["consul", "nomad"], None, None)
    with pytest.raises(ValueError, match="nomad cannot be had"):
        find_all(wanted, [], [FailsWhenOtherRuns(endless), endless], run)
    pid = int(endless.pid_file.read_text())
    assert not Path(f"/proc/{pid}").exists()
    assert [entry.name for entry in (home / "consul").iterdir()] == ["lock"]


def test_stopped_run_does_not_wait_for_a_lock(home: Path, run: Run, fake_build: FakeBuild) -> None:
    with locked("consul", run):
        run.children.stop()
        with pytest.raises(Stopped):
            find_all(wanted_tools(["consul"], None, None), [], [fake_build], run)
