"""Libraries for another Python or processor than this program's own, fetched with pip.

Their versions and sums are those of the lock file that belongs to this version of Bob; a lock file
names the sums of all builds of a version, so one serves every Python and processor.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from bob.errors import Permanent
from bob.toolchain.bundle.content import Entry, is_used
from bob.toolchain.children import ChildFailed, Children

LOCK = Path(__file__).with_name("requirements.lock")
# C libraries of the supported systems, Debian 12 (2.36) and later, and all that came before.
GLIBC = [f"manylinux_2_{minor}" for minor in range(36, 16, -1)] + ["manylinux2014", "linux"]
SECONDS = 600.0
REQUIREMENT = re.compile(r"^(?P<name>[a-z0-9-]+)==\S+(?: \\\n +--hash=\S+)+", re.MULTILINE)
CURE = "Run this command on a machine with the same Python and processor as the hosts."


def pins(names: Iterable[str]) -> list[str]:
    """The requirement of each library with its version and sums, as pip reads it."""
    found = {match["name"]: match[0] for match in REQUIREMENT.finditer(LOCK.read_text())}
    if missing := [name for name in names if name not in found]:
        raise Permanent(f"{LOCK} does not name {', '.join(missing)}", cure=CURE)
    return [found[name] for name in names]


def download(work: Path, pinned: Iterable[str], python: str, machine: str) -> list[Entry]:
    """Fetch the libraries below `work`, verified against their pins. Raises `Permanent`."""
    wanted, site = work / "wanted.txt", work / "site"
    wanted.write_text("\n".join(pinned) + "\n")
    command: list[str | Path] = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--no-compile", "--only-binary=:all:", "--require-hashes",
        "--target", site, "--implementation", "cp", "--python-version", python,
        *(f"--platform={glibc}_{machine}" for glibc in GLIBC),
        "--requirement", wanted,
    ]  # fmt: skip
    try:
        Children().run(command, seconds=SECONDS)
    except ChildFailed as error:
        raise Permanent(
            f"cannot fetch Bob's libraries for Python {python} on {machine}: {error}", cure=CURE
        ) from error
    files = (file for file in site.rglob("*") if file.is_file())
    entries = (Entry(file.relative_to(site).as_posix(), file, "") for file in files)
    return [entry for entry in entries if is_used(entry.place)]
