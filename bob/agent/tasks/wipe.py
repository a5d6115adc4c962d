"""Make this host bare again. The last task that a node does.

    args      {"users": ["root"]}: those whose authorized_keys hold the robot's key
    result    {}: what is left to do is done by a unit of its own, when the result is written

What that unit does is in `bob.provision.wiping`: Consul's agents leave their pools, bob-agent,
Consul and Nomad stop, tasks are killed, everything is deleted. It has no way to report, so the
robot waits until the node has left gossip.
"""

from __future__ import annotations

import pwd
from pathlib import Path, PurePosixPath
from typing import Any

from bob import logs
from bob.agent import files
from bob.agent.work import Work
from bob.errors import Permanent
from bob.provision.host_report import CLAIM_FILE, WIPE_UNIT
from bob.provision.node_files import NodeFile
from bob.provision.wiping import wipe_script

NAME = "wipe"
SCRIPT = PurePosixPath("/run/bob-wipe.sh")
START_SECONDS = 15.0


def run(work: Work) -> dict[str, Any]:
    """See above. Raises `Permanent` when this host belongs to no cluster."""
    claim = work.machine.path(CLAIM_FILE)
    if not claim.exists():
        raise Permanent(f"{CLAIM_FILE} is missing: whose host is this?", cure="Wipe it by hand.")
    for user in work.names("users") or ("root",):
        _forget_key(work, user)
    script = wipe_script(claim.read_text().strip(), leave=True) + f"rm -f {SCRIPT}\n"
    files.replace(work.machine, NodeFile(str(SCRIPT), script.encode(), 0o700))
    work.afterwards.append(lambda: _start(work))
    return {}


def _forget_key(work: Work, user: str) -> None:
    """Take the robot's key out of a user's authorized_keys; everything else there stays."""
    place = Path(pwd.getpwnam(user).pw_dir) / ".ssh" / "authorized_keys"
    keys = work.machine.path(place)
    if not keys.is_file():
        return
    lines = keys.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.rstrip().endswith(f" bob-{work.cluster}")]
    if kept != lines:
        found = keys.stat()
        files.replace(
            work.machine,
            NodeFile(
                str(place), "".join(kept).encode(), found.st_mode & 0o7777, keys.owner(),
                keys.group(),
            ),
        )  # fmt: skip


def _start(work: Work) -> None:
    """In a unit of its own: it ends ours with all its processes."""
    ran = work.machine.run(
        "systemd-run", "--collect", "--no-block", f"--unit={WIPE_UNIT}", "/bin/sh", str(SCRIPT),
        timeout=START_SECONDS,
    )  # fmt: skip
    if ran.code:
        logs.get().error("not wiped", reason=ran.output)
