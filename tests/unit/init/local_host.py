"""A host that is this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from bob.clients.ssh import Result


class Here:
    """A `Host` that is this machine, with a `systemctl` that writes down what it is asked."""

    name = "n1"

    def __init__(self, folder: Path) -> None:
        self.asked = folder / "asked"
        program = folder / "bin" / "systemctl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "$*" >>{self.asked}\ntest ! -e {folder}/broken\n')
        program.chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}

    def run(self, script: str, **_: object) -> Result:
        return self.feed("sh -s", [script.encode()])

    def feed(self, command: str, chunks: Iterable[bytes], **_: object) -> Result:
        done = subprocess.run(
            command, shell=True, input=b"".join(chunks), capture_output=True, check=False,
            env=self._environment,
        )  # fmt: skip
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
