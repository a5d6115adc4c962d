"""Make the links to programs lead to other versions, and have their units run them.

    args      {"programs": {"nomad": "/opt/bob/store/nomad-<sum>/nomad", …}, "restart": [units]}
    result    {"changed": [programs], "restarted": [units]}

The versions are in the store already. Nothing is touched unless all of them are. Units of `restart`
are restarted one after another in this order, provided that a link was changed since they started;
each is ready before the next is touched. bob-agent among them ends when the result is written.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

from bob.agent.units import Units
from bob.agent.work import Work
from bob.errors import Permanent
from bob.provision.agents import BIN_DIR, BOB_UNIT
from bob.provision.install import STORE

NAME = "activate"
PROGRAM = re.compile(r"[a-z][a-z0-9-]*")


def run(work: Work) -> dict[str, Any]:
    """See above. Raises `Permanent` without a version, `Temporary` when a unit does not come up."""
    programs = work.args.get("programs", {})
    for name, place in programs.items():
        _check(work, name, place)
    links = {name: work.machine.path(BIN_DIR / name) for name in programs}
    changed = sorted(name for name, link in links.items() if _target(link) != programs[name])
    units = Units(work.machine, work.deadline)
    wanted = work.names("restart")
    if changed:
        units.mark(wanted)
        for name in changed:
            _link(links[name], programs[name])
    restarted = []
    for unit in wanted:
        if unit == BOB_UNIT:
            continue
        work.say(f"activate: {unit}")
        if units.bring_up(unit):
            restarted.append(unit)
    if BOB_UNIT in wanted and BOB_UNIT in units.stale():
        work.afterwards.append(lambda: _end(work, units))
    return {"changed": changed, "restarted": restarted}


def _check(work: Work, name: str, place: object) -> None:
    inside = isinstance(place, str) and PurePosixPath(place).is_relative_to(STORE)
    if not PROGRAM.fullmatch(name) or not isinstance(place, str) or not inside or ".." in place:
        raise Permanent(f"{name}: {place!r} is no program in {STORE}", cure="This is a bug.")
    program = work.machine.path(place)
    if not program.is_file() or not os.access(program, os.X_OK):
        raise Permanent(
            f"{place} is not there, or not executable", cure="Have the program sent once more."
        )


def _target(link: Path) -> str:
    return str(link.readlink()) if link.is_symlink() else ""


def _link(link: Path, place: str) -> None:
    """Replace the link whole: at no moment is there none."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(place)
    new.replace(link)


def _end(work: Work, units: Units) -> None:
    units.unmark(BOB_UNIT)
    work.end("its program was replaced")
