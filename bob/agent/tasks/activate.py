"""Make the links to programs lead to other versions, and have their units run them.

    args      {"programs": {"nomad": "/opt/bob/store/nomad-<sum>/nomad", …}, "restart": [units]};
              with {"look": true} nothing is changed: it fails unless they are in use already
    result    {"changed": [programs], "restarted": [units]}

The versions are in the store already. Nothing is touched unless all of them are. Units of `restart`
are restarted one after another in this order, provided that a link was changed since they started;
each is ready before the next is touched. When one does not come up, the former versions are put
back and run again, so that the node stays of use: without its Consul nobody could reach it.

bob-agent among them ends when the result is written; `bob.agent.trial` then looks after it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from bob.agent import trial
from bob.agent.units import Units
from bob.agent.work import TASK_SECONDS, Work
from bob.errors import Permanent, Temporary
from bob.provision.agents import BIN_DIR, BOB_UNIT
from bob.provision.install import STORE
from bob.waiting import Deadline

NAME = "activate"
PROGRAM = re.compile(r"[a-z][a-z0-9-]*")


def run(work: Work) -> dict[str, Any]:
    """See above. Raises `Permanent` without a version, or when a unit does not come up with it."""
    programs = work.args.get("programs", {})
    for name, place in programs.items():
        _check(work, name, place)
    links = {name: work.machine.path(BIN_DIR / name) for name in programs}
    changed = sorted(name for name, link in links.items() if _target(link) != programs[name])
    if work.args.get("look"):
        return _looked(work, changed)
    units, wanted = Units(work.machine, work.deadline), work.names("restart")
    if changed:
        for name in changed:
            _keep_former(links[name])
        units.mark(wanted)
        for name in changed:
            _lead(links[name], programs[name])
    others = [unit for unit in wanted if unit != BOB_UNIT and units.there(unit)]
    try:
        restarted = _bring_up(work, units, others)
    except Temporary as error:
        _put_back(work, links, wanted, error)
    if BOB_UNIT in wanted and BOB_UNIT in units.stale():
        work.afterwards.append(lambda: _end(work, units, links))
    else:
        _forget_former(links)
    return {"changed": changed, "restarted": restarted}


def _looked(work: Work, changed: Sequence[str]) -> dict[str, Any]:
    if changed:
        raise Permanent(
            f"{', '.join(changed)} runs the former version again: the new one did not start",
            cure=f"Look at journalctl -u {changed[0]} on {work.node}.",
        )
    return {"changed": [], "restarted": []}


def _check(work: Work, name: str, place: object) -> None:
    inside = isinstance(place, str) and PurePosixPath(place).is_relative_to(STORE)
    if not PROGRAM.fullmatch(name) or not isinstance(place, str) or not inside or ".." in place:
        raise Permanent(f"{name}: {place!r} is no program in {STORE}", cure="This is a bug.")
    program = work.machine.path(place)
    if not program.is_file() or not os.access(program, os.X_OK):
        raise Permanent(
            f"{place} is not there, or not executable", cure="Have the program sent once more."
        )


def _bring_up(work: Work, units: Units, wanted: Sequence[str]) -> list[str]:
    restarted = []
    for unit in wanted:
        work.say(f"activate: {unit}")
        if units.bring_up(unit):
            restarted.append(unit)
    return restarted


def _put_back(
    work: Work, links: Mapping[str, Path], wanted: Sequence[str], error: Temporary
) -> None:
    """Have the former versions run again; always raises. The time of the task may be over."""
    former = {name: place for name, link in links.items() if (place := _target(_former(link)))}
    if not former:
        raise error
    units = Units(work.machine, Deadline(TASK_SECONDS, work.deadline.clock))
    units.mark(unit for unit in wanted if unit != BOB_UNIT)
    for name, place in former.items():
        _lead(links[name], place)
    units.unmark(BOB_UNIT)
    try:
        _bring_up(work, units, [u for u in wanted if u != BOB_UNIT and units.there(u)])
    except Temporary as second:
        raise Temporary(f"{error}; with the former version: {second}", cure=error.cure) from error
    _forget_former(links)
    raise Permanent(f"{error}; the former version runs again.", cure=error.cure) from error


def _former(link: Path) -> Path:
    """Where a program led to, until its successor has proved itself."""
    return link.with_name(f".{link.name}.former")


def _keep_former(link: Path) -> None:
    """One that is kept already counts: it is from an attempt that was interrupted."""
    if (place := _target(link)) and not _target(_former(link)):
        _lead(_former(link), place)


def _forget_former(links: Mapping[str, Path]) -> None:
    for link in links.values():
        _former(link).unlink(missing_ok=True)


def _lead(link: Path, place: str) -> None:
    """Replace the link whole: at no moment is there none."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(place)
    new.replace(link)


def _target(link: Path) -> str:
    return str(link.readlink()) if link.is_symlink() else ""


def _end(work: Work, units: Units, links: Mapping[str, Path]) -> None:
    if former := _target(_former(links[BOB_UNIT])) if BOB_UNIT in links else "":
        trial.begin(work.machine, former)
    _forget_former(links)
    units.unmark(BOB_UNIT)
    work.end("its program was replaced")
