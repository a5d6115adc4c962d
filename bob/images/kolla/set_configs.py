#!/usr/bin/env python3
"""`kolla_set_configs`: put a service's configuration where the service expects it, then go.

Reads /var/lib/kolla/config_files/config.json as Kolla's own program does, so that one job runs
Kolla's images and ours. KOLLA_CONFIG_STRATEGY must be COPY_ALWAYS, or COPY_ONCE to leave alone what
was configured before. Kolla's way back to the files of the image is not followed: Nomad makes a new
container for each start.

    {"command": "…",
     "config_files": [{"source": glob, "dest": path or "folder/", "owner": "user[:group]",
                       "perm": "0600", or "preserve_properties": true, "optional", "merge"}],
     "directories":  [{"path", "owner", "perm"}],
     "permissions":  [{"path": glob, "owner", "perm", "recurse", "exclude": [patterns]}]}

Exit codes: 0 done, or nothing to do; 1 a mistake in the configuration, or `--check` found that what
runs differs from it; 2 anything else.
"""

from __future__ import annotations

import filecmp
import glob
import grp
import json
import logging
import os
import pwd
import re
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOG = logging.getLogger("kolla_set_configs")
KEYS = {
    "config_files": {
        "source", "dest", "owner", "perm", "preserve_properties", "optional", "merge",
    },
    "directories": {"path", "owner", "perm"},
    "permissions": {"path", "owner", "perm", "recurse", "exclude"},
}  # fmt: skip
REQUIRED = {"config_files": {"source", "dest"}, "directories": {"path"}, "permissions": {"path"}}
Entry = dict[str, Any]


class Refused(Exception):
    """The configuration cannot be applied, or is not what runs; the text says why."""


@dataclass(frozen=True)
class Places:
    """Where the program finds its input and leaves its marks."""

    config: Path = Path("/var/lib/kolla/config_files/config.json")
    command: Path = Path("/run_command")
    configured: Path = Path("/configured")


def load(path: Path) -> Entry:
    """The checked content of config.json. Raises `Refused`."""
    try:
        config = json.loads(path.read_text())
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"{path} is not JSON: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("command"), str):
        raise Refused(f'{path} lacks the text "command"')
    for section, keys in KEYS.items():
        for number, entry in enumerate(config.get(section, [])):
            where = f"{path}: {section}[{number}]"
            if missing := sorted(REQUIRED[section] - entry.keys()):
                raise Refused(f"{where} lacks {', '.join(missing)}")
            if unknown := sorted(entry.keys() - keys):
                raise Refused(f"{where} has unknown keys: {', '.join(unknown)}")
            if not (entry.get("preserve_properties") or {"owner", "perm"} <= entry.keys()) and (
                section == "config_files"
            ):
                raise Refused(f"{where} needs owner and perm, or preserve_properties")
            if section == "permissions" and "owner" not in entry:
                raise Refused(f"{where} lacks owner")
    return config


def apply(config: Entry, strategy: str | None, places: Places) -> None:
    """Copy, make and own everything, and leave the command for `kolla_start`."""
    if strategy not in ("COPY_ALWAYS", "COPY_ONCE"):
        raise Refused("KOLLA_CONFIG_STRATEGY must be COPY_ALWAYS or COPY_ONCE")
    if strategy == "COPY_ONCE" and places.configured.exists():
        LOG.info("configured before, and the strategy is COPY_ONCE: nothing is copied")
        return
    for entry in config.get("config_files", []):
        for source, target in pairs(entry):
            LOG.info("copying %s to %s", source, target)
            if not entry.get("merge"):
                remove(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            copy(source, target, entry)
    for entry in config.get("directories", []):
        Path(entry["path"]).mkdir(parents=True, exist_ok=True)
        own(Path(entry["path"]), entry)
    for entry in config.get("permissions", []):
        for path in permitted(entry):
            own(path, entry)
    places.command.write_text(config["command"])
    places.command.chmod(0o644)
    places.configured.touch()


def check(config: Entry, places: Places) -> None:
    """Raise `Refused` that names what differs between the configuration and what is in force."""
    if not places.command.exists() or places.command.read_text() != config["command"]:
        raise Refused("the command is another one")
    differing = [
        str(target)
        for entry in config.get("config_files", [])
        for source, target in pairs(entry)
        if not alike(source, target, entry)
    ]
    if differing:
        raise Refused(f"not as configured: {', '.join(differing)}")


def pairs(entry: Entry) -> list[tuple[Path, Path]]:
    """Each source of an entry with its target. Raises `Refused` when a needed one is missing."""
    found = matches(entry["source"])
    if not found and not entry.get("optional"):
        raise Refused(f"there is no {entry['source']}")
    into = entry["dest"].endswith("/")
    return [(path, Path(entry["dest"], path.name if into else "")) for path in found]


def matches(pattern: str) -> list[Path]:
    """What a pattern finds; unlike `Path.glob`, and like Kolla, `*` passes over hidden files."""
    return [Path(name) for name in sorted(glob.glob(pattern))]  # noqa: PTH207


def copy(source: Path, target: Path, entry: Entry) -> None:
    """Copy a file, or a folder with all below it; what is in the way goes."""
    if source.is_dir():
        if target.is_symlink() or not target.is_dir():
            remove(target)
            target.mkdir()
        settle(source, target, entry)
        for each in sorted(source.iterdir()):
            copy(each, target / each.name, entry)
        return
    remove(target)
    if source.is_symlink() and entry.get("merge") and entry.get("preserve_properties"):
        target.symlink_to(source.readlink())
        return
    # A file with a secret must not be readable by others even for a moment.
    target.touch(0o600)
    shutil.copyfile(source, target)
    settle(source, target, entry)


def remove(path: Path) -> None:
    """Remove a file, link or folder if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def settle(source: Path, target: Path, entry: Entry) -> None:
    """Give a copy its owner and mode: the source's, or those of the entry."""
    if entry.get("preserve_properties"):
        shutil.copystat(source, target)
        seen = source.stat()
        os.chown(target, seen.st_uid, seen.st_gid)
    else:
        own(target, entry)


def own(path: Path, entry: Entry) -> None:
    """Set owner and mode. What a read-only mount refuses is told, and does not stop the start."""
    try:
        if "owner" in entry:
            os.chown(path, *ids(entry["owner"]))
        if entry.get("perm"):
            path.chmod(mode(entry["perm"], folder=path.is_dir()))
    except OSError as error:
        LOG.warning("%s keeps its owner or mode: %s", path, error.strerror)


def permitted(entry: Entry) -> list[Path]:
    """The paths of a `permissions` entry: matches, and with `recurse` all below but `exclude`."""
    patterns = [re.compile(pattern) for pattern in entry.get("exclude", [])]
    found = matches(entry["path"])
    if entry.get("recurse"):
        for top in list(found):
            below = sorted(top.rglob("*")) if top.is_dir() else []
            found += (p for p in below if not any(x.search(str(p)) for x in patterns))
    return [path for path in found if path.exists()]


def ids(owner: str) -> tuple[int, int]:
    """User and group id of "user", "user:" or "user:group"; the group is named like the user."""
    user, _, group = owner.partition(":")
    try:
        return pwd.getpwnam(user).pw_uid, grp.getgrnam(group or user).gr_gid
    except KeyError as error:
        raise Refused(f"owner {owner!r}: {error.args[0]}") from error


def mode(perm: str, *, folder: bool) -> int:
    """Octal digits as a mode; whoever may read a folder may enter it."""
    try:
        bits = int(perm, 8)
    except ValueError as error:
        raise Refused(f"perm {perm!r} is not octal") from error
    return bits | (bits & 0o444) >> 2 if folder else bits


def alike(source: Path, target: Path, entry: Entry) -> bool:
    """True when a copy still has the content, owner and mode that it was given."""
    if source.is_dir():
        return target.is_dir() and all(
            alike(each, target / each.name, entry) for each in source.iterdir()
        )
    if not target.is_file() or not filecmp.cmp(source, target, shallow=False):
        return False
    seen, given = target.stat(), source.stat()
    if entry.get("preserve_properties"):
        wanted = (given.st_uid, given.st_gid, stat.S_IMODE(given.st_mode))
    else:
        wanted = (*ids(entry["owner"]), mode(entry["perm"], folder=False))
    return (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode)) == wanted


def main(arguments: list[str], places: Places) -> int:
    """Apply, or with `--check` compare; returns the exit code."""
    try:
        config = load(places.config)
        if arguments == ["--check"]:
            check(config, places)
        else:
            apply(config, os.environ.get("KOLLA_CONFIG_STRATEGY"), places)
    except Refused as error:
        LOG.error("%s", error)
        return 1
    except OSError as error:
        LOG.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    sys.exit(main(sys.argv[1:], Places()))
