"""Network and mount namespaces of their own, so that tests touch nothing of this machine."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

CLONE_NEWNET = 0x40000000  # unshare(2)
FUSE_OPTIONS = "fd={fd},rootmode=40000,user_id=0,group_id=0"  # mount.fuse(8)
LIBC = ctypes.CDLL(None, use_errno=True)


def in_own_network(scene: Callable[[], None]) -> None:
    """Run `scene` in a thread whose network is empty but for a loopback device that is down.

    Threads and programs that it starts are there too; all of it is gone at its end.
    """
    failed: list[BaseException] = []

    def enter() -> None:
        try:
            if LIBC.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "unshare")
            scene()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=enter, name="own network")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def ip(*words: str) -> None:
    """`ip WORDS` in the network of this thread."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


def mount_dead(place: Path) -> int:
    """Mount a file system whose server never answers; whoever asks for it hangs in the kernel.

    The descriptor that is returned is the server's: as long as it is open, they wait.
    """
    place.mkdir(parents=True, exist_ok=True)
    server = os.open("/dev/fuse", os.O_RDWR)
    options = FUSE_OPTIONS.format(fd=server).encode()
    if LIBC.mount(b"dead", str(place).encode(), b"fuse.dead", 0, options):
        raise OSError(ctypes.get_errno(), "mount")
    return server
