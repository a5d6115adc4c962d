"""Putting files and binaries on a host so that a second time changes nothing.

A binary travels once, is checked against its SHA-256 on the host and only then takes its place
under `STORE`, whose folders are named by content; `BIN` holds links into it. So the probe is a look
at names, and a broken transfer can never be started.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bob.clients.ssh import Host, quote
from bob.provision.agents import BIN_DIR as BIN
from bob.provision.node_files import NodeFile

STORE = "/opt/bob/store"
# Holds an empty file for each unit whose configuration was replaced since it started, so that a
# run that was killed in between is made up for. A reboot empties it, and starts the units anew.
STALE = "/run/bob/stale"
NEW = ".bob-new"  # ending of a file that has arrived, but is not in its place yet
CHUNK = 1024 * 1024


class Program(Protocol):
    """Something that is started by a link in `BIN`, and travels as a Debian archive."""

    @property
    def name(self) -> str:
        """Name of the link."""

    @property
    def packed(self) -> Path:
        """The archive."""

    @property
    def place(self) -> str:
        """Where the link leads: an executable file that is never empty."""

    @property
    def whole(self) -> str:
        """Shell condition: what was installed has lost nothing."""

    @property
    def keep(self) -> str:
        """Shell script that reads the archive from its input and puts it into `STORE`.

        It verifies what arrived. It is safe to repeat and to interrupt.
        """

    @property
    def link(self) -> str:
        """Shell script that has everybody start what was put there."""


@dataclass(frozen=True)
class Binary:
    """A program in one file: the sum of the file, and a Debian archive that holds it."""

    name: str
    sha256: str
    packed: Path

    @property
    def place(self) -> str:
        """Where the program lies on a host."""
        return f"{STORE}/{self.name}-{self.sha256[:16]}/{self.name}"

    @property
    def whole(self) -> str:
        """See `Program`. A power loss can leave the name of a file without its content."""
        return f"[ -s {quote(self.place)} ]"

    @property
    def keep(self) -> str:
        """See `Program`."""
        folder = self.place.rsplit("/", 1)[0]
        return (
            f"set -e; umask 022; mkdir -p {folder}; cd {folder}; rm -f .part.*; t=.part.$$; "
            f"dpkg-deb --fsys-tarfile - | tar -xO ./{self.name} >$t; "
            + verify("$t", self.sha256, self.name)
            + f"chmod 755 $t; mv -f $t {self.name}"
        )

    @property
    def link(self) -> str:
        """See `Program`."""
        return f"mkdir -p {BIN}; ln -sfn {self.place} {BIN}/{self.name}"


def verify(file: str, sha256: str, name: str) -> str:
    """Shell script that removes the file and ends with an error unless it has this sum."""
    return (
        # openssl uses the processor's SHA instructions; sha256sum takes three times as long.
        f"if command -v openssl >/dev/null; then s=$(openssl dgst -sha256 -r {file}); "
        f"else s=$(sha256sum {file}); fi; "
        f'if [ "${{s%% *}}" != {sha256} ]; then rm -f {file}; '
        f'echo "{name}: checksum differs after transfer" >&2; exit 1; fi; '
    )


def missing_programs(host: Host, programs: Iterable[Program]) -> tuple[Program, ...]:
    """Those that are not in their place, or to which the link in `BIN` does not lead."""
    programs = tuple(programs)
    lines = []
    for number, program in enumerate(programs):
        link, place = quote(f"{BIN}/{program.name}"), quote(program.place)
        test = f'[ "$(readlink {link})" = {place} ] && [ -x {place} ] && {program.whole}'
        lines.append(f"{{ {test}; }} || echo {number}\n")
    return tuple(programs[int(line)] for line in host.run("".join(lines)).stdout.split())


def send_program(host: Host, program: Program, timeout: float) -> None:
    """Copy the program, verify it on the host, put it in place. Safe to repeat and to interrupt."""
    script = f"{program.keep}; {program.link}"
    host.feed(f"sh -c {quote(script)}", _read(program.packed), timeout=timeout)


def absent_programs(host: Host, programs: Iterable[Program]) -> tuple[Program, ...]:
    """Those that are not in `STORE`, whatever the links in `BIN` lead to."""
    programs = tuple(programs)
    tests = [f"{{ [ -x {quote(p.place)} ] && {p.whole}; }}" for p in programs]
    script = "".join(f"{test} || echo {number}\n" for number, test in enumerate(tests))
    return tuple(programs[int(line)] for line in host.run(script).stdout.split())


def keep_program(host: Host, program: Program, timeout: float) -> None:
    """Copy the program into `STORE` and verify it there; nothing starts it yet."""
    host.feed(f"sh -c {quote(program.keep)}", _read(program.packed), timeout=timeout)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk


def differing(host: Host, files: Iterable[NodeFile]) -> tuple[str, ...]:
    """Paths whose content, mode or owner on the host is not as wanted."""
    files = tuple(files)
    paths = " ".join(quote(file.path) for file in files)
    script = (
        "LC_ALL=C; export LC_ALL\n"
        f"stat -c '%a %U %G  %n' {paths} 2>/dev/null; sha256sum {paths} 2>/dev/null; :\n"
    )
    found: dict[str, list[str]] = {file.path: [] for file in files}
    for line in host.run(script).stdout.splitlines():
        fact, _, path = line.partition("  ")
        found[path].append(fact)
    return tuple(file.path for file in files if found[file.path] != _looks(file))


def _looks(file: NodeFile) -> list[str]:
    digest = hashlib.sha256(file.content).hexdigest()
    return [f"{file.mode:o} {file.owner} {file.group}", digest]


def send_files(host: Host, files: Iterable[NodeFile], units: Iterable[str] = ()) -> None:
    """Put the files in their places, each replaced whole. One connection, one archive, no argv.

    `units` read these files: they are marked as stale before the first file is replaced.
    """
    files = tuple(files)
    mark = "".join(f"&& : >{STALE}/{unit} " for unit in units)
    places = " ".join(quote(file.path) for file in files)
    script = (
        f"umask 022; mkdir -p {STALE} {mark}&& tar -xzpf - -C / && "
        f'for f in {places}; do mv -f "$f{NEW}" "$f" || exit 1; done'
    )
    host.feed(f"sh -c {quote(script)}", [_archive(files)])


def _archive(files: Iterable[NodeFile]) -> bytes:
    buffer, now = io.BytesIO(), int(time.time())
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/") + NEW)
            entry.size = len(file.content)
            entry.mode, entry.mtime = file.mode, now
            entry.uname, entry.gname = file.owner, file.group
            archive.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()


def stale_units(host: Host) -> tuple[str, ...]:
    """Units that may run with a configuration that was replaced."""
    return tuple(host.run(f"ls {STALE} 2>/dev/null || :").stdout.split())


def reload_units(host: Host) -> tuple[str, ...]:
    """Let systemd read the units again; return those that run and are stale.

    One that does not run is no longer stale: it will start with what is there.
    """
    script = (
        f"systemctl daemon-reload && cd {STALE} && for u in *; do "
        '[ ! -e "$u" ] || systemctl is-active --quiet "$u" || rm -f "$u"; done; ls'
    )
    return tuple(host.run(script).stdout.split())


def restart_script(names: Iterable[str]) -> str:
    """Shell script that restarts those units that run and are stale; it waits for each."""
    return "".join(
        f"! [ -e {STALE}/{name} ] || {{ systemctl try-restart {name} && rm {STALE}/{name}; }}"
        " || exit 1\n"
        for name in names
    )


def running_script(names: Iterable[str]) -> str:
    """Shell script that fails unless every unit is ready and runs with what is there."""
    return "".join(
        f"! [ -e {STALE}/{name} ] && systemctl is-active --quiet {name} || exit 1\n"
        for name in names
    )


def start_script(names: Iterable[str]) -> str:
    """Shell script that starts units now and at each boot, without waiting for them.

    A unit that failed before is forgiven first: it has a new configuration now.
    """
    units = " ".join(names)
    return (
        f"systemctl reset-failed {units} 2>/dev/null\nsystemctl enable --now --no-block {units}\n"
    )
