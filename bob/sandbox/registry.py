"""The container registry of a sandbox: one docker-registry on the mgmt network of the switch.

Its data is in the cache and shared by all sandboxes: an image is sent once, also when the sandbox
is new. The program is Debian's, unpacked into the cache: the installed package would start a
registry on the operator's machine that is open to everyone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

import yaml

from bob import paths
from bob.machine import apt, debs
from bob.machine.caching import Say, build_once
from bob.sandbox.cgroups import Hierarchies
from bob.sandbox.container import in_cgroups
from bob.sandbox.layout import Layout
from bob.waiting import wait_for

READY_SECONDS = 30.0
_RELEASE = "bookworm"
_PACKAGE = "docker-registry"


def ensure(say: Say) -> Path:
    """The program, fetched if missing (about ten seconds). Raises `Permanent` when apt fails."""
    target = paths.cache_dir() / _PACKAGE / f"{_RELEASE}-{apt.architecture()}"
    return build_once(target, partial(_fetch, say=say), say) / "usr/bin" / _PACKAGE


def data() -> Path:
    """Where all sandboxes keep their images."""
    return paths.cache_dir() / "registry"


def configuration(address: str, data: Path, secret: str) -> str:
    """The configuration of a registry at `address` ("host:port"); `secret` signs its uploads."""
    document = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}},
        "http": {"addr": address, "secret": secret},
    }
    return yaml.safe_dump(document, sort_keys=False)


def start(layout: Layout, program: Path, hierarchies: Hierarchies) -> None:
    """Start the registry unless it runs; return when it answers. Raises `DeadlinePassed`."""
    folder, cgroup = layout.registry, hierarchies.make_unified(f"{layout.helper_cgroup}/registry")
    if not running(layout):
        data().mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        text = configuration(layout.registry_address, data(), secrets.token_hex(32))
        (folder / "config.yml").write_text(text)
        # The process itself notes its number: it is found even if we die right here.
        note = ["/bin/sh", "-c", 'echo $$ > "$1"; shift; exec "$@"', "note", str(_pid_file(layout))]
        command = [
            *in_cgroups([cgroup]), *note, "nsenter", f"--net=/run/netns/{layout.netns}",
            str(program), "serve", str(folder / "config.yml"),
        ]  # fmt: skip
        with (folder / "log").open("ab") as log:
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={"PATH": os.environ["PATH"]},
            )  # fmt: skip
    wait_for(
        partial(answers, layout.registry_address),
        what=f"the registry at {layout.registry_address} answers",
        deadline=READY_SECONDS,
        interval=0.05,
        cure=f"Read {folder / 'log'}.",
    )


def running(layout: Layout) -> bool:
    """True when the process lives, not another one with its number."""
    try:
        number = int(_pid_file(layout).read_text())
        arguments = Path(f"/proc/{number}/cmdline").read_bytes().decode().split("\0")
    except (OSError, ValueError):
        return False
    return str(layout.registry / "config.yml") in arguments


def answers(address: str) -> bool:
    """True when a registry speaks there."""
    connection = HTTPConnection(address, timeout=1)
    with contextlib.suppress(OSError, HTTPException), contextlib.closing(connection):
        connection.request("GET", "/v2/")
        return connection.getresponse().status == 200
    return False


def _pid_file(layout: Layout) -> Path:
    return layout.registry / "pid"


def _fetch(folder: Path, lock: IO[str], *, say: Say) -> None:
    say(f"fetching {_PACKAGE} of Debian {_RELEASE}")
    private = folder / "apt"
    for package in debs.download(private, apt.source_lines(_RELEASE), [_PACKAGE], lock):
        debs.unpack(package, folder)
    shutil.rmtree(private)
