"""Programs out of Debian packages that are not installed: unpacked into a folder of the cache.

An installed package might start a service on the operator's machine, and belongs to its release.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO

from bob.machine import apt
from bob.machine.programs import run


def download(folder: Path, sources: str, packages: Sequence[str], lock: IO[str]) -> list[Path]:
    """The files of packages ("name" or "name=version"), fetched with an apt of its own in `folder`.

    `sources` is a sources.list. apt's processes hold `lock` too. Raises `Permanent` when apt fails.
    """
    options = apt.private(folder, sources)
    fetch = partial(run, cwd=folder, keep_open=[lock.fileno()], cure=apt.UNREACHABLE_CURE)
    fetch("apt-get", *options, "update")
    fetch("apt-get", *options, "download", *packages)
    return sorted(folder.glob("*.deb"))


def unpack(package: Path, folder: Path) -> None:
    """Put the files of a package below `folder`."""
    run("dpkg-deb", "-x", str(package), str(folder))
