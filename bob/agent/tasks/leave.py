"""Take this node, which is no server any more, out of the cluster; its files stay.

    args      {"last": true}: Consul of mgmt leaves too, and bob-agent stops
    result    {"left": [units]}

Nomad is stopped (the robot has drained the node before), then the Consul agents leave their
gossip pools one after another. They are told so by SIGINT, which needs no token: the agent of each
network would demand one of its own. An agent that leaves is taken off the catalog by the leader
with all that was registered there; the robot prunes what gossip still remembers, as it does for
a host that is dead.

Consul of mgmt carries this task, so it can leave only when the result is written, and no task
reaches this node afterwards. Without `last` it stays for the task that follows: `wipe`, which
makes it leave as well.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from bob.agent.units import Units
from bob.agent.work import Work
from bob.provision.agents import BOB_UNIT, HEALTH_UNIT, NOMAD_UNIT, UNIT_DIR, consul_agent
from inventory import NetworkName

NAME = "leave"
LEAVE_SECONDS = 15  # an agent waits 1 to 6 s until the others have heard that it leaves
# Lost at a reboot, and taken away before: a restart is no departure.
DROP_INS = PurePosixPath("/run/systemd/system")
DROP_IN = f"[Service]\nKillSignal=SIGINT\nTimeoutStopSec={LEAVE_SECONDS}\n"
MGMT = consul_agent(NetworkName.MGMT).unit


def run(work: Work) -> dict[str, Any]:
    """See above. Raises `Temporary` when a unit does not stop."""
    units = Units(work.machine, work.deadline)
    units.stop(HEALTH_UNIT, disable=True)  # what it would find from here on is meant to be so
    units.stop(NOMAD_UNIT, disable=True)
    agents = sorted(path.stem for path in work.machine.path(UNIT_DIR).glob("consul-*.service"))
    left = [unit for unit in agents if unit != MGMT]
    for unit in left:
        _leave(work, units, unit)
    if work.args.get("last"):
        work.afterwards.append(lambda: _leave(work, units, MGMT))
        work.afterwards.append(lambda: units.stop_soon(BOB_UNIT))
        left.append(MGMT)
    return {"left": left}


def _leave(work: Work, units: Units, unit: str) -> None:
    work.say(f"leave: {unit}")
    drop_in = work.machine.path(DROP_INS / f"{unit}.service.d" / "leave.conf")
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(DROP_IN)
    try:
        units.reload()
        units.stop(unit, disable=True)
    finally:
        drop_in.unlink()
        units.reload()
