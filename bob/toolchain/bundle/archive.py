"""The folder as a tar archive: sources, the byte code of each, and how it is started."""

from __future__ import annotations

import importlib.util
import marshal
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from bob.toolchain.bundle import elf
from bob.toolchain.bundle.content import Entry

END = bytes(1024)  # of a tar archive
UNCHECKED = (1).to_bytes(4, "little")  # PEP 552: the source is not looked at, so times do not count
OPTIMIZE = 2  # without docstrings: 2 MB less in memory; must agree with `-OO` below

LAUNCHER = "bob-agent"
# -I -S: nothing of the host but the standard library is ever imported. no_debug_ranges: no columns
# in tracebacks, and 10 % less memory.
START = b"""\
#!/bin/sh
here=$(readlink -f "$0")
exec /usr/bin/python3 -I -S -OO -X no_debug_ranges "${here%/*}" "$@"
"""
MAIN = b"""\
import runpy
import sys
import warnings

# Left out on purpose: without it requests reads UTF-8, which is all that is ever sent to a node.
warnings.filterwarnings("ignore", "Unable to find acceptable character detection dependency")
part = "bob.agent"
if sys.argv[1:2] == ["--part"]:
    part = sys.argv[2]
    del sys.argv[1:3]
runpy.run_module(part, run_name="__main__", alter_sys=True)
"""
STARTERS = {LAUNCHER: START, "__main__.py": MAIN}


def members(entries: Iterable[Entry], texts: Mapping[str, bytes], *, compiled: bool) -> bytes:
    """Members of a tar archive without its end: equal files give equal members.

    No file is empty, so that one that lost its content to a power loss can be told: an empty module
    gets an end of line, any other empty file is left out. `compiled`: with byte code, for this
    program's own version of Python.
    """
    contents = {entry.place: elf.loaded(entry.source.read_bytes()) for entry in entries}
    contents |= texts
    parts: list[bytes] = []
    for place, content in sorted(contents.items()):
        module = place.endswith(".py")
        if not content and not module:
            continue
        content = content or b"\n"
        parts.append(_member(place, content))
        if module and compiled and not _of_a_task(place):
            parts.append(_member(_cached(place), _bytecode(place, content)))
    return b"".join(parts)


def _of_a_task(place: str) -> bool:
    """A program that a service brings along; it may hold marks which its job's template fills."""
    return place.startswith("jobs/") and place != "jobs/__init__.py"


def _cached(place: str) -> str:
    """Where Python looks for the byte code of a module."""
    path = PurePosixPath(place)
    tag = sys.implementation.cache_tag
    return str(path.parent / "__pycache__" / f"{path.stem}.{tag}.opt-{OPTIMIZE}.pyc")


def _bytecode(place: str, source: bytes) -> bytes:
    code = compile(source, place, "exec", dont_inherit=True, optimize=OPTIMIZE)
    head = importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source)
    return head + marshal.dumps(code)


def _member(place: str, content: bytes) -> bytes:
    entry = tarfile.TarInfo(place)
    entry.size, entry.mode = len(content), 0o755 if place == LAUNCHER else 0o644
    return entry.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)
