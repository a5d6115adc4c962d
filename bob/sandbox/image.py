"""The root file system that all emulated hosts share read-only: built once by debootstrap."""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import IO

from bob import paths
from bob.errors import Permanent
from bob.machine import apt
from bob.machine.caching import Say, build_once
from bob.sandbox import recipe

LINES_KEPT_FOR_ERRORS = 15


def ensure(say: Say) -> Path:
    """The image's root directory, built if this recipe was not built yet (about a minute).

    `say` receives progress lines. Raises `PreflightRefused` without a mirror, `Permanent` when
    debootstrap fails.
    """
    folder = paths.cache_dir() / "image"
    return build_once(folder / recipe.digest(), partial(_build, say=say), say) / "rootfs"


def _build(folder: Path, lock: IO[str], *, say: Say) -> None:
    root = folder / "rootfs"
    say(f"building the host image: Debian {recipe.RELEASE}, about a minute")
    _debootstrap(root, lock, say)
    say("configuring the image")
    _customise(root)


def _debootstrap(root: Path, lock: IO[str], say: Say) -> None:
    packages = paths.cache_dir() / "image" / "debs"
    packages.mkdir(exist_ok=True)
    # The namespaces take its mounts and all its children away when it ends, however it ends.
    process = subprocess.Popen(
        [
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "debootstrap", "--variant=minbase", f"--cache-dir={packages}",
            f"--include={','.join(recipe.PACKAGES)}", recipe.RELEASE, str(root), apt.mirror(),
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        pass_fds=[lock.fileno()], env=apt.proxy_environment(),
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 (we asked for the pipe)
    last: deque[str] = deque(maxlen=LINES_KEPT_FOR_ERRORS)
    try:
        for phase in phases(_remember(process.stdout, last)):
            say(phase)
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    if code != 0:
        raise Permanent(
            f"debootstrap ended with code {code}. Its last lines:\n{''.join(last)}",
            cure=apt.UNREACHABLE_CURE,
        )


def phases(lines: Iterable[str]) -> Iterator[str]:
    """Turn debootstrap's output into one line for each phase that begins."""
    words = {
        "Retrieving": "downloading packages",
        "Extracting": "extracting the base system",
        "Unpacking": "unpacking packages",
        "Configuring": "configuring packages",
    }
    current = ""
    for line in lines:
        _, _, text = line.partition("I: ")
        phase = words.get(text.split(" ", 1)[0], current)
        if phase != current:
            current = phase
            yield phase


def _remember(lines: Iterable[str], last: deque[str]) -> Iterator[str]:
    for line in lines:
        last.append(line)
        yield line


def _customise(root: Path) -> None:
    for pattern in recipe.REMOVED:
        folder, name = (root / pattern).parent, Path(pattern).name
        for path in folder.glob("*"):  # by name alone: a link may lead nowhere out here
            if fnmatch(path.name, name):
                path.unlink()
    for link in root.glob("etc/systemd/system/*.wants/*"):
        if link.name in recipe.DISABLED:
            link.unlink()
    for name, text in recipe.FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, destination in recipe.LINKS.items():
        link = root / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(destination)
    shutil.rmtree(root / "usr/share/doc", ignore_errors=True)
