"""/dev/watchdog of an emulated host: a FIFO whose reader drives the BMC's watchdog timer.

Follows Linux's watchdog API (Documentation/watchdog/watchdog-api.rst): opening arms, each write
feeds, closing disarms only after the magic character V. A FIFO answers ioctls with ENOTTY.
"""

from __future__ import annotations

import os
from pathlib import Path

from bob.sandbox import vmcodec
from bob.sandbox.bmclink import BmcLink

TIMEOUT_SECONDS = 10.0
_APPLICATION, _RESET_WATCHDOG, _SET_WATCHDOG = 0x06, 0x22, 0x24


class Watchdog:
    """Serves one FIFO for ever."""

    def __init__(self, fifo: Path, link: BmcLink, timeout: float = TIMEOUT_SECONDS) -> None:
        self.fifo = fifo
        self.link = link
        self.timeout = timeout

    def run(self) -> None:
        """Serve one opener after the other."""
        while True:
            self._serve_one(os.open(self.fifo, os.O_RDONLY))  # blocks until the host opens it

    def _serve_one(self, reader: int) -> None:
        self._set(running=True)
        self._feed()
        last = b""
        with os.fdopen(reader, "rb", buffering=0) as stream:
            while data := stream.read(4096):
                last = data[-1:]
                self._feed()
        if last == b"V":
            self._set(running=False)

    def _set(self, *, running: bool) -> None:
        seconds = self.timeout if running else 0
        self.link.ask(_APPLICATION, _SET_WATCHDOG, vmcodec.set_watchdog(seconds, running=running))

    def _feed(self) -> None:
        self.link.ask(_APPLICATION, _RESET_WATCHDOG)
