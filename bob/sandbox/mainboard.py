"""The mainboard of one emulated host: what the BMC switches on and off.

ipmi_sim starts this process to power the host on; while it lives, the host is powered. It boots the
container, obeys the BMC, and gives the host two devices: /dev/watchdog (a FIFO) and in-band IPMI
(/run/bmc/ipmi.sock). Run as `python -m bob.sandbox.mainboard HOST.json`; one of these runs for each
host, so it imports little.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bob.sandbox import vmcodec
from bob.sandbox.bmclink import BmcLink
from bob.sandbox.container import REBOOT_EXIT_CODE, Container, Host
from bob.sandbox.watchdog import Watchdog

_APPLICATION, _SET_WATCHDOG = 0x06, 0x24


class Mainboard:
    """Power logic: every change of the host's power goes through one lock."""

    def __init__(self, host: Host, link: BmcLink) -> None:
        self.container = Container(host)
        self.link = link
        self.off = threading.Event()  # set once, by the first who wants the host off
        self._power = threading.RLock()

    def power_on(self) -> None:
        """Boot the host, and again whenever it reboots; return when it is off."""
        with self._power:
            self.container.kill()  # a mainboard that died may have left its host behind
            self.container.start()
        while not self.off.is_set():
            process = self.container.process
            assert process is not None  # noqa: S101 (start() made it)
            code = process.wait()
            with self._power:
                if self.off.is_set() or self.container.process is not process:
                    continue  # the BMC ended it, or has started it again
                if code != REBOOT_EXIT_CODE:
                    break
                self.reset()
        self.power_off()

    def power_off(self) -> None:
        """End the host at once. Returns when nothing of it runs any more."""
        self.off.set()
        with self._power:
            self._disarm()
            self.container.kill()

    def reset(self) -> None:
        """End the host at once and boot it again."""
        with self._power:
            if not self.off.is_set():
                self._disarm()
                self.container.kill()
                self.container.start()

    def obey(self) -> None:
        """Carry out the BMC's commands; a BMC that goes away pulls the cord."""
        for command in self.link.commands():
            if command == vmcodec.POWER_OFF:
                break
            if command == vmcodec.RESET:
                self.reset()
            elif command == vmcodec.SHUTDOWN:
                self.container.ask_to_shut_down()
        self.power_off()

    def _disarm(self) -> None:
        """A timer armed by a system that no longer runs must not hit the next one.

        Does not wait for the answer: this may run on the thread that reads it.
        """
        self.link.send(_APPLICATION, _SET_WATCHDOG, vmcodec.set_watchdog(0, running=False))


def main() -> None:
    """Run the mainboard until its host is off."""
    host = Host.load(Path(sys.argv[1]))
    os.chdir(host.dir)
    run = Path("run")  # relative: the path of a Unix socket has at most 107 characters
    run.mkdir(exist_ok=True)
    (run / "watchdog").unlink(missing_ok=True)
    os.mkfifo(run / "watchdog", 0o600)
    link = BmcLink(socket.create_connection(("127.0.0.1", host.serial_port), timeout=10))
    board = Mainboard(host, link)
    signal.signal(signal.SIGTERM, lambda *_: _in_background(board.power_off))
    for work in (
        board.obey,
        Watchdog(run / "watchdog", link).run,
        partial(link.serve, run / "ipmi.sock"),
    ):
        _in_background(work)
    board.power_on()
    os._exit(0)  # without waiting for the threads that serve the devices


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()


if __name__ == "__main__":
    main()
