"""`Host` against a real sshd: exit codes, streams, deadlines, trust, lost connections."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import login

from bob.clients import ssh
from bob.clients.ssh import CommandFailed, Host
from bob.errors import BobError, Permanent, Temporary
from bob.sandbox.faults import actions, registry
from bob.sandbox.record import Sandbox

pytestmark = pytest.mark.lab

SOON = 20.0  # seconds; far below the 60 s that the commands here would take
DEATH_NOTICED = 40.0  # 15 s of silence, and a slow test machine
MEGABYTE = b"0123456789abcdef" * 65536


def connect(sandbox: Sandbox, **changed: Any) -> Host:
    return Host(login(sandbox, **changed))


def make_key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
def host(sandbox: Sandbox) -> Iterator[Host]:
    host = connect(sandbox)
    yield host
    host.close()


def test_the_exit_code_and_both_streams_come_back(host: Host) -> None:
    result = host.run("echo out; echo err >&2; exit 7", check=False)
    assert (result.code, result.stdout, result.stderr) == (7, "out\n", "err\n")
    assert host.run("true").code == 0


def test_a_failure_names_host_code_and_what_was_said(host: Host) -> None:
    with pytest.raises(CommandFailed, match=r"n1: command ended with 3: no such thing"):
        host.run("echo no such thing >&2; exit 3")


def test_a_script_is_in_no_argv(host: Host) -> None:
    seen = host.run("word=hunter2; cat /proc/$$/cmdline /proc/$PPID/cmdline").stdout
    assert "sh" in seen
    assert "hunter2" not in seen


def test_much_input_and_output_at_once_do_not_block_each_other(host: Host) -> None:
    result = host.feed("cat", [MEGABYTE] * 16)
    assert result.stdout.encode() == MEGABYTE * 16


def test_a_command_that_does_not_read_its_input_just_ends(host: Host) -> None:
    assert host.feed("exit 4", [MEGABYTE] * 16, check=False).code == 4


def test_a_command_that_takes_too_long_is_given_up(host: Host) -> None:
    began = time.monotonic()
    with pytest.raises(Temporary, match=r"n1: no answer within 1 s: sh"):
        host.run("sleep 60", timeout=1)
    assert time.monotonic() - began < SOON
    assert host.run("echo again").stdout == "again\n"


def test_a_host_that_does_not_take_its_input_is_given_up(host: Host) -> None:
    began = time.monotonic()
    with pytest.raises(Temporary, match=r"n1: no answer within 1 s"):
        host.feed("sleep 60", (MEGABYTE for _ in range(4096)), timeout=1)
    assert time.monotonic() - began < SOON


def test_a_connection_that_breaks_is_an_error_and_then_a_new_one(host: Host) -> None:
    with pytest.raises(Temporary, match="n1: connection lost"):
        host.run("kill -9 $PPID; sleep 60")
    assert host.run("echo again").stdout == "again\n"


def test_an_interrupt_ends_the_running_call_and_refuses_the_next(host: Host) -> None:
    errors: list[BobError] = []
    started = threading.Event()

    def chunks():
        started.set()
        yield b"sleep 60\n"

    def work() -> None:
        try:
            host.feed("sh -s", chunks())
        except BobError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(SOON)
    host.interrupt()
    thread.join(SOON)
    assert not thread.is_alive()
    assert len(errors) == 1
    with pytest.raises(Permanent, match="interrupted"):
        host.run("true")


def test_the_first_key_is_pinned_and_another_one_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    pins = tmp_path / "known_hosts"
    connect(sandbox, pins=pins, strict=False).run("true")
    address = sandbox.node("n1").addresses["mgmt"]
    assert pins.read_text() in sandbox.layout.known_hosts.read_text()
    assert pins.read_text().startswith(f"{address} ")
    connect(sandbox, pins=pins, strict=True).run("true")
    kind, text = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()[:2]
    pins.write_text(f"{address} {kind} {text}\n")
    with pytest.raises(Permanent, match=r"n1: root@.* differs from the pinned one") as bad:
        connect(sandbox, pins=pins).run("true")
    assert str(pins) in bad.value.cure


def test_a_strict_login_refuses_an_unknown_host(sandbox: Sandbox, tmp_path: Path) -> None:
    pins = tmp_path / "known_hosts"
    pins.touch()
    with pytest.raises(Permanent, match=r"n1: host key of .* is not in"):
        connect(sandbox, pins=pins, strict=True).run("true")
    assert pins.read_text() == ""


def test_a_wrong_key_and_a_missing_one(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=r"n1: .* refused the SSH key") as wrong:
        connect(sandbox, key=make_key(tmp_path / "stranger")).run("true")
    assert "authorized_keys" in wrong.value.cure
    with pytest.raises(Permanent, match=f"n1: there is no SSH key {tmp_path}/lost") as missing:
        connect(sandbox, key=tmp_path / "lost").run("true")
    assert "ssh.key" in missing.value.cure


def closed(listener: socket.socket) -> None:
    listener.close()


def silent(listener: socket.socket) -> None:
    listener.listen()  # the kernel takes connections, nobody says anything


@pytest.mark.parametrize("make", [closed, silent])
def test_a_host_without_an_answer_is_unreachable(
    make: Callable[[socket.socket], None],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ssh, "CONNECT_TIMEOUT", 1.0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        make(listener)
        began = time.monotonic()
        with pytest.raises(Temporary, match=f"n1: root@127.0.0.1:{port}: not reachable") as error:
            connect(sandbox, address="127.0.0.1", port=port).run("true")
    assert time.monotonic() - began < SOON
    assert "Check that the host is on" in error.value.cure
    assert re.search(r": \S+", str(error.value))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("busy", [False, True], ids=["waiting", "sending"])
def test_a_host_that_falls_silent_is_noticed_long_before_the_deadline(
    sandbox: Sandbox, host: Host, busy: bool
) -> None:
    def chunks() -> Iterator[bytes]:
        actions.inject(sandbox, registry.make("nic", cut))
        yield from [MEGABYTE] * (512 if busy else 0)
        yield b"sleep 300"

    host.run("true")
    cut = {"node": "n1", "network": "mgmt", "keep_carrier": True}
    began = time.monotonic()
    try:
        with pytest.raises(Temporary, match="n1: connection lost") as error:
            host.feed("cat >/dev/null" if busy else "sh -s", chunks(), timeout=300)
    finally:
        actions.clear(sandbox)
    assert time.monotonic() - began < DEATH_NOTICED
    assert "Check that the host is on" in error.value.cure
    assert host.run("echo back").stdout == "back\n"
