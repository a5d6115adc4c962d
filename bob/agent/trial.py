"""A new bob-agent has to prove itself: somebody else puts the former one back when it does not.

A transient unit of systemd looks on. The new process has to be active, which it is when it has
taken up its work, for some seconds on end; else the link leads to the former version again.
"""

from __future__ import annotations

import os
from shlex import quote

from bob import logs
from bob.agent.machine import Machine
from bob.provision.agents import BIN_DIR, BOB_UNIT

LOOKS = 60  # one each second; a busy host takes 20 s to start Python with our libraries
IN_A_ROW = 5
START_SECONDS = 15.0


def begin(machine: Machine, former: str) -> None:
    """Look after the successor of this process; `former` is the program that we run."""
    ran = machine.run(
        "systemd-run", "--collect", "--no-block", "--unit=bob-agent-trial",
        "/bin/sh", "-c", script(os.getpid(), former),
        timeout=START_SECONDS,
    )  # fmt: skip
    if ran.code:
        logs.get().error("nobody looks after the new program", reason=ran.output)


def script(pid: int, former: str) -> str:
    """Shell script that ends when another process than `pid` is active, or puts `former` back."""
    link = f"{BIN_DIR}/{BOB_UNIT}"
    return (
        f"good=0; for look in $(seq {LOOKS}); do sleep 1; "
        f"case $(systemctl show -p ActiveState -p MainPID {BOB_UNIT} | sort | tr '\\n' ' ') in "
        f"*'MainPID={pid} '*) good=0;; "
        "'ActiveState=active '*) good=$((good+1));; "
        "*) good=0;; esac; "
        f"[ $good -lt {IN_A_ROW} ] || exit 0; done; "
        f"ln -sfn {quote(former)} {link}.new && mv -fT {link}.new {link} && "
        f"systemctl reset-failed {BOB_UNIT}; systemctl restart {BOB_UNIT}"
    )
