#!/usr/bin/env python3
"""`kolla_start`, the first program of our images: configure, then become the service.

The user of an image may run `kolla_set_configs` as root, and nothing else. The command of
config.json is split into words as a shell would, quotes included, and run without a shell. Kolla's
bootstrap modes are not here: jobs of ours name the command of such a task themselves.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

COMMAND = Path("/run_command")
NOT_FOUND = 127  # as shells say it


def configure_command(user_id: int) -> list[str]:
    """How this user runs `kolla_set_configs`; the environment holds the strategy."""
    return ["kolla_set_configs"] if user_id == 0 else ["sudo", "-E", "kolla_set_configs"]


def main() -> int:
    """Returns only when the service cannot be started."""
    if code := subprocess.run(configure_command(os.geteuid()), check=False).returncode:
        return code
    words = shlex.split(COMMAND.read_text())
    try:
        os.execvp(words[0], words)  # noqa: S606 - the words are the operator's own
    except IndexError:
        sys.stderr.write("kolla_start: the command of config.json is empty\n")
    except OSError as error:
        sys.stderr.write(f"kolla_start: {words[0]}: {error.strerror}\n")
    return NOT_FOUND


if __name__ == "__main__":
    sys.exit(main())
