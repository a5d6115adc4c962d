"""The BMC simulator: OpenIPMI's ipmi_sim of Debian 13, unpacked into the cache.

Debian 12's own 2.0.33 cannot be used: its watchdog fires although it is fed. The two versions print
the same version text, so the packages are pinned by checksum.
"""

from __future__ import annotations

import hashlib
import shutil
from functools import partial
from pathlib import Path
from typing import IO

from bob import paths
from bob.errors import Permanent, PreflightRefused
from bob.machine import apt, debs
from bob.machine.caching import Say, build_once

VERSION = "2.0.37-1"
_RELEASE = "trixie"
_SHA256 = {
    "openipmi_2.0.37-1_amd64.deb": (
        "a116b11c27390869128ac1e76b042f68611eda0bdc8602d0eb4953abe6a2aff5"
    ),
    "libopenipmi0t64_2.0.37-1_amd64.deb": (
        "3625e8d30c8623cc55efa4340fd161ac152f606ec9b1a50b8f9f1be76c3aa592"
    ),
}


def ensure(say: Say) -> Path:
    """The folder with the unpacked simulator, fetched if missing (about ten seconds).

    Raises `PreflightRefused` on a machine that is not amd64, `Permanent` when apt fails or a
    package is not the pinned one.
    """
    if apt.architecture() != "amd64":
        raise PreflightRefused(
            f"the BMC simulator is pinned for amd64 only, this machine is {apt.architecture()}",
            cure="Run the sandbox on an amd64 machine.",
        )
    target = paths.cache_dir() / "ipmi_sim" / VERSION
    return build_once(target, partial(_fetch, say=say), say)


def command(folder: Path) -> list[str]:
    """How to start ipmi_sim from that folder, without its arguments."""
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    return ["env", f"LD_LIBRARY_PATH={libraries}", str(folder / "usr/bin/ipmi_sim")]


def _fetch(folder: Path, lock: IO[str], *, say: Say) -> None:
    say(f"fetching the BMC simulator (ipmi_sim {VERSION})")
    private = folder / "apt"
    sources = f"deb [signed-by={apt.KEYRING}] {apt.mirror()} {_RELEASE} main\n"
    wanted = [name.replace("_", "=", 1).rsplit("_", 1)[0] for name in _SHA256]
    for package in debs.download(private, sources, wanted, lock):
        verify(package, _SHA256[package.name])
        debs.unpack(package, folder)
    shutil.rmtree(private)


def verify(package: Path, expected: str) -> None:
    """Raise `Permanent` unless the file has that SHA-256."""
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != expected:
        raise Permanent(
            f"{package.name} has SHA-256 {found}, expected {expected}",
            cure="The mirror serves another file than Debian's. Use another mirror: set "
            f"{apt.MIRROR_VARIABLE}.",
        )
