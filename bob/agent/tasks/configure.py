"""Make the files of this node as wanted, and its units run with them.

    payload   the files, as `bob.ops.node_material.encode_files` makes them
    args      {"stop": […], "restart": […], "start": […]}: names of units; {"forget_raft": true}
    result    {"changed": [paths], "restarted": [units], "stale": [units left alone]}

Units of `stop` are stopped for good, first of all. Then files that differ are replaced. Units of
`restart` and `start` are brought up one after another, in this order: restarted when a file of
theirs was replaced since they started, started when they do not run, else left alone; each is ready
before the next is touched. With `forget_raft` they lose their part of a quorum while they are down,
so that a former server can never come back with an old one; a second time there is none to lose.
Before, Consul's agents leave their pool as servers: the others would go on asking one that came
back as a client of the same name, for minutes, whatever needs gRPC (`lanNodeUpdate` in
agent/consul/server_serf.go looks at servers only).

Without a payload only the units are looked after. bob-agent itself ends when the result is
written, and systemd starts it with what is there then.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from bob.agent import files
from bob.agent.units import Units
from bob.agent.work import Work
from bob.provision.agents import BOB_UNIT, DATA_ROOT, LEAVE_SECONDS, NOMAD_UNIT
from bob.provision.readers import units_reading

NAME = "configure"
# What a server keeps of its quorum. Consul refuses to start as a server again a week after the
# time in the second file.
CONSUL_RAFT = ("raft", "server_metadata.json")
NOMAD_RAFT = ("server",)


def run(work: Work) -> dict[str, Any]:
    """See above. Raises `Temporary` when a unit does not come up."""
    units = Units(work.machine, work.deadline)
    for unit in work.names("stop"):
        units.stop(unit, disable=True)
    changed = _write(work, units)
    wanted = dict.fromkeys((*work.names("restart"), *work.names("start")))
    restarted = []
    for unit in wanted:
        if unit == BOB_UNIT or not units.there(unit):
            continue
        work.say(f"configure: {unit}")
        if work.args.get("forget_raft"):
            _forget_raft(work, units, unit)
        if units.bring_up(unit):
            restarted.append(unit)
    left = sorted(unit for unit in units.stale() if not _forgiven(units, unit))
    if BOB_UNIT in left:
        work.afterwards.append(lambda: _end(work, units))
    return {"changed": changed, "restarted": restarted, "stale": left}


def _write(work: Work, units: Units) -> list[str]:
    """Replace what differs; the units that read it are marked before."""
    if work.payload is None:
        return []
    from bob.ops.node_material import decode_files  # with it comes what makes certificates

    differing = files.differing(work.machine, decode_files(work.payload))
    paths = [file.path for file in differing]
    units.mark(units_reading(paths))
    for file in differing:
        files.replace(work.machine, file)
    if units.stale():  # also when we were interrupted before we came to this
        units.reload()
    return paths


def _forget_raft(work: Work, units: Units, unit: str) -> None:
    names = NOMAD_RAFT if unit == NOMAD_UNIT else CONSUL_RAFT
    places = [work.machine.path(DATA_ROOT / unit / name) for name in names]
    if not any(place.exists() for place in places):
        return
    units.mark([unit])  # it is started again, even when we are interrupted
    if unit != NOMAD_UNIT:  # the robot has Nomad's servers forget it
        units.interrupt(unit, LEAVE_SECONDS)
    units.stop(unit)
    for place in places:
        _remove(place)


def _remove(place: Path) -> None:
    """At one moment it is there whole, at the next it is gone, whatever happens in between."""
    aside = place.with_name(f"{place.name}.forgotten")
    if aside.is_dir():
        shutil.rmtree(aside)
    if place.is_dir():
        place.rename(aside)
        shutil.rmtree(aside)
    else:
        place.unlink(missing_ok=True)


def _forgiven(units: Units, unit: str) -> bool:
    """A unit that does not run is not stale: it will start with what is there."""
    if unit == BOB_UNIT or units.active(unit):
        return False
    units.unmark(unit)
    return True


def _end(work: Work, units: Units) -> None:
    units.unmark(BOB_UNIT)
    work.end("its configuration was replaced")
