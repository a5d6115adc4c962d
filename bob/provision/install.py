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

from bob.clients.ssh import Host, quote
from bob.provision.agents import BIN_DIR as BIN
from bob.provision.node_files import NodeFile

STORE = "/opt/bob/store"
# Holds an empty file for each unit whose configuration was replaced since it started, so that a
# run that was killed in between is made up for. A reboot empties it, and starts the units anew.
STALE = "/run/bob/stale"
NEW = ".bob-new"  # ending of a file that has arrived, but is not in its place yet
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Binary:
    """A program to install: the sum of its file, and a Debian archive that holds it."""

    name: str
    sha256: str
    packed: Path

    @property
    def place(self) -> str:
        """Where the program lies on a host."""
        return f"{STORE}/{self.name}-{self.sha256[:16]}/{self.name}"


def missing_binaries(host: Host, binaries: Iterable[Binary]) -> tuple[Binary, ...]:
    """Those that are not in their place, or to which the link in `BIN` does not lead."""
    binaries = tuple(binaries)
    lines = []
    for number, binary in enumerate(binaries):
        link, place = quote(f"{BIN}/{binary.name}"), quote(binary.place)
        # -s: a power loss can leave the name of a file without its content.
        test = f'[ "$(readlink {link})" = {place} ] && [ -x {place} ] && [ -s {place} ]'
        lines.append(f"{{ {test}; }} || echo {number}\n")
    return tuple(binaries[int(line)] for line in host.run("".join(lines)).stdout.split())


def send_binary(host: Host, binary: Binary, timeout: float) -> None:
    """Copy the program, verify it on the host, put it in place. Safe to repeat and to interrupt."""
    folder = binary.place.rsplit("/", 1)[0]
    script = (
        f"set -e; umask 022; mkdir -p {BIN} {folder}; cd {folder}; rm -f .part.*; t=.part.$$; "
        f"dpkg-deb --fsys-tarfile - | tar -xO ./{binary.name} >$t; "
        # openssl uses the processor's SHA instructions; sha256sum takes three times as long.
        "if command -v openssl >/dev/null; then s=$(openssl dgst -sha256 -r $t); "
        "else s=$(sha256sum $t); fi; "
        f'if [ "${{s%% *}}" != {binary.sha256} ]; then rm -f $t; '
        f'echo "{binary.name}: checksum differs after transfer" >&2; exit 1; fi; '
        f"chmod 755 $t; mv -f $t {binary.name}; ln -sfn {binary.place} {BIN}/{binary.name}"
    )
    host.feed(f"sh -c {quote(script)}", _read(binary.packed), timeout=timeout)


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


def start_script(names: Iterable[str]) -> str:
    """Shell script that starts units now and at each boot, without waiting for them.

    A unit that failed before is forgiven first: it has a new configuration now.
    """
    units = " ".join(names)
    return (
        f"systemctl reset-failed {units} 2>/dev/null\nsystemctl enable --now --no-block {units}\n"
    )
