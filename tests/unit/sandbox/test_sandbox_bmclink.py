"""The mainboard's side of the BMC protocol, against a BMC that this test plays."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bob.sandbox import vmcodec
from bob.sandbox.bmclink import BmcLink
from bob.sandbox.watchdog import Watchdog

SECONDS = 30.0  # generous: an answer takes milliseconds on an idle machine


class PlayedBmc:
    """Answers every request with completion code 0 and remembers it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.requests: list[bytes] = []
        self.arrived = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        decoder = vmcodec.Decoder()
        while data := self._receive():
            for end, frame in decoder.feed(data):
                if end == vmcodec.MESSAGE_END:
                    answer = bytes([frame[0], frame[1] | 4, frame[2], 0, 0xA0])
                    checked = answer + bytes([-sum(answer) & 0xFF])
                    with self.arrived:
                        self.requests.append(frame[1:-1])
                        self.arrived.notify_all()
                    with contextlib.suppress(OSError):  # closed by the end of the test
                        self.connection.sendall(vmcodec.escape(checked) + b"\xa0")

    def _receive(self) -> bytes:
        try:
            return self.connection.recv(4096)
        except OSError:  # closed by the end of the test
            return b""

    def wait_for(self, condition: Callable[[list[bytes]], bool]) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: condition(self.requests), timeout=SECONDS), (
                self.requests
            )


@pytest.fixture
def ends() -> Iterator[tuple[BmcLink, PlayedBmc]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = BmcLink(ours)
        assert theirs.recv(64) == vmcodec.GREETING
        yield link, PlayedBmc(theirs)


@pytest.fixture
def reading(ends: tuple[BmcLink, PlayedBmc]) -> list[int]:
    """Commands received so far; a thread receives them."""
    commands: list[int] = []

    def read() -> None:
        commands.extend(ends[0].commands())

    threading.Thread(target=read, daemon=True).start()
    return commands


SET, FEED = b"\x18\x24", b"\x18\x22"


@pytest.mark.usefixtures("reading")
class TestWithReader:
    def test_an_answer_reaches_the_one_who_asked(self, ends: tuple[BmcLink, PlayedBmc]) -> None:
        assert ends[0].ask(6, 1) == b"\x00\xa0"

    def test_many_askers_at_once_each_get_an_answer(self, ends: tuple[BmcLink, PlayedBmc]) -> None:
        answers: list[bytes | None] = []
        threads = [
            threading.Thread(target=lambda: answers.append(ends[0].ask(6, 1))) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert answers == [b"\x00\xa0"] * 20

    def test_in_band_ipmi_over_its_socket(
        self, ends: tuple[BmcLink, PlayedBmc], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        path = Path("ipmi.sock")
        threading.Thread(target=ends[0].serve, args=(path,), daemon=True).start()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(SECONDS)
            while client.connect_ex(str(path)):
                pass
            with client.makefile("rw") as stream:
                stream.write("6 24 44 1\n")
                stream.flush()
                assert stream.readline() == "00 a0\n"
                stream.write("not hex\n")
                stream.flush()
                assert stream.readline() == ""
        assert ends[1].requests == [SET + b"\x44\x01"]

    def test_the_watchdog_is_armed_by_opening_and_disarmed_only_by_v(
        self, ends: tuple[BmcLink, PlayedBmc], tmp_path: Path
    ) -> None:
        link, bmc = ends
        fifo = tmp_path / "watchdog"
        os.mkfifo(fifo)
        threading.Thread(target=Watchdog(fifo, link, timeout=4).run, daemon=True).start()
        armed = SET + vmcodec.set_watchdog(4, running=True)
        with fifo.open("wb", buffering=0) as device:
            bmc.wait_for(lambda got: got == [armed, FEED])
            device.write(b"1")
            bmc.wait_for(lambda got: got == [armed, FEED, FEED])
        with fifo.open("wb", buffering=0) as device:
            device.write(b"1")
            bmc.wait_for(lambda got: len(got) > 3)
            assert set(bmc.requests) == {armed, FEED}  # closing without V had disarmed nothing
            device.write(b"V")
        bmc.wait_for(lambda got: got[-1] == SET + vmcodec.set_watchdog(0, running=False))


def test_commands_end_when_the_bmc_goes_away() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        link = BmcLink(ours)
        theirs.sendall(bytes([vmcodec.RESET, 0xA1, vmcodec.POWER_OFF, 0xA1]))
        theirs.close()
        assert list(link.commands()) == [vmcodec.RESET, vmcodec.POWER_OFF]
        assert link.send(6, 1) == -1
