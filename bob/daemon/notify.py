"""Tells systemd how we are (sd_notify(3)): one datagram to the socket it names; none outside it."""

from __future__ import annotations

import os
import socket

MICROSECONDS = 1_000_000


def ready() -> None:
    """The unit counts as active from now on."""
    _send("READY=1")


def stopping(reason: str) -> None:
    """A stop is under way."""
    _send(f"STOPPING=1\nSTATUS={reason}")


def alive(sentence: str) -> None:
    """Keeps systemd's watchdog quiet; the sentence is shown by `systemctl status`."""
    _send(f"WATCHDOG=1\nSTATUS={sentence}")


def watchdog_seconds() -> float:
    """How long systemd waits for `alive` before it ends the process; 0 when it does not wait."""
    return int(os.environ.get("WATCHDOG_USEC", "0")) / MICROSECONDS


def _send(text: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.sendall(text.encode())
