"""`ensure`: each wanted tool from the first source that has it.

A folder given by the user and the cache are asked first, without any lock. What they lack is
fetched under the tool's lock, several tools side by side: when the lock is ours the cache is asked
once more, since another run may have filled it, then the release archive and the build are tried.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bob.errors import Permanent
from bob.toolchain.children import Children
from bob.toolchain.locks import locked
from bob.toolchain.model import Run, Source, Tool, Toolchain, Unavailable, Wanted
from bob.toolchain.progress import SILENT, Progress
from bob.toolchain.sources.build import Build
from bob.toolchain.sources.cached import Cached
from bob.toolchain.sources.given import Given
from bob.toolchain.sources.release import VENDOR, Release
from bob.toolchain.tools import TOOLS, spec_of


def ensure(
    names: Iterable[str] | None = None,
    *,
    versions: Mapping[str, str] | None = None,
    path: Path | None = None,
    mirror: str | None = None,
    sha256: Mapping[str, str] | None = None,
    progress: Progress = SILENT,
) -> Toolchain:
    """Have the named tools (default: all three) ready to run, verified.

    `versions` and `sha256` go by tool name; a sum is that of the vendor's zip archive for this
    platform. `path` is a folder with own binaries, `mirror` replaces the vendor's base address.
    Raises `UsageError` for what the caller gave, `Permanent` when no source has a tool or a sum is
    wrong, `DeadlinePassed` when another run holds a tool too long.
    """
    wanted = wanted_tools(names, versions, sha256)
    quick: list[Source] = [Cached()]
    if path is not None:
        given = Given(path)
        given.check()
        quick.insert(0, given)
    slow: list[Source] = [Release(mirror or VENDOR), Build()]
    return find_all(wanted, quick, slow, Run(progress, Children()))


def status(
    *,
    versions: Mapping[str, str] | None = None,
    path: Path | None = None,
    sha256: Mapping[str, str] | None = None,
) -> dict[str, Tool | None]:
    """What `ensure` would return at once, by tool name; None for what it would have to fetch."""
    quick: list[Source] = [Given(path), Cached()] if path else [Cached()]
    run = Run(SILENT, Children())
    return {one.name: _first(one, quick, run) for one in wanted_tools(None, versions, sha256)}


def wanted_tools(
    names: Iterable[str] | None,
    versions: Mapping[str, str] | None,
    sha256: Mapping[str, str] | None,
) -> list[Wanted]:
    """Complete the caller's wishes with the default versions. Unknown names are a `UsageError`."""
    versions, sha256 = versions or {}, sha256 or {}
    for name in (*versions, *sha256):
        spec_of(name)
    specs = [spec_of(name) for name in (TOOLS if names is None else names)]
    pins = {name: pin.lower() for name, pin in sha256.items()}
    return [
        Wanted(spec, versions.get(spec.name, spec.version), pins.get(spec.name)) for spec in specs
    ]


def find_all(
    wanted: Sequence[Wanted], quick: Sequence[Source], slow: Sequence[Source], run: Run
) -> Toolchain:
    """Ask the `quick` sources without a lock, then fetch what is missing from the `slow` ones."""
    found: dict[str, Tool] = {}
    missing = []
    for one in wanted:
        if tool := _first(one, quick, run):
            found[one.name] = tool
        else:
            missing.append(one)
    if missing:
        found.update(_fetch(missing, slow, run))
    return Toolchain({one.name: found[one.name] for one in wanted})


def _first(wanted: Wanted, sources: Sequence[Source], run: Run) -> Tool | None:
    for source in sources:
        with contextlib.suppress(Unavailable):
            return source.find(wanted, run)
    return None


def _fetch(missing: Sequence[Wanted], slow: Sequence[Source], run: Run) -> dict[str, Tool]:
    """Fetch side by side. The first failure, or Ctrl-C, ends all the others."""
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    with ThreadPoolExecutor(len(missing), "toolchain") as pool:
        tasks = {one.name: pool.submit(_fetch_one, one, slow, run) for one in missing}
        try:
            done, _ = wait(tasks.values(), return_when=FIRST_EXCEPTION)
            for task in done:
                task.result()
        except BaseException:
            run.children.stop()
            raise
        return {name: task.result() for name, task in tasks.items()}


def _fetch_one(wanted: Wanted, slow: Sequence[Source], run: Run) -> Tool:
    """Fetch one tool under its lock. Raises `Permanent` with every source's reason."""
    reasons: list[Unavailable] = []
    with locked(wanted.name, run):
        tool = _first(wanted, [Cached()], run)
        for source in slow:
            if tool:
                break
            try:
                tool = source.find(wanted, run)
            except Unavailable as reason:
                reasons.append(reason)
                run.progress.stage(wanted.name, f"no {source.name}: {reason.message}")
    if tool is None:
        causes = "; ".join(reason.message for reason in reasons)
        raise Permanent(
            f"{wanted.name} {wanted.version} is to be had from no source: {causes}",
            cure=" ".join(reason.cure for reason in reasons if reason.cure),
        )
    run.progress.finished(wanted.name, f"{tool.version} ready, from {tool.source}")
    return tool
