"""Making one layer: packages of Debian, installed in an overlay over the layers below."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO

from bob.errors import Permanent
from bob.images import archive, failures, store
from bob.images.model import Recipe
from bob.images.store import Layer
from bob.machine import apt
from bob.machine.caching import Say, build_once
from bob.machine.locking import exclusive
from bob.machine.programs import run
from bob.toolchain.children import ChildFailed, Children

LISTS_SECONDS = 600.0  # how long we wait for another process that fetches package lists
PROGRAM_SECONDS = 3600.0  # a debootstrap takes half a minute, or six where others have precedence
# These take every mount and process of a build away when it ends, however it ends.
_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child")


class Layering:
    """Makes the layers of one run; may be used by several threads.

    `sources` maps a Debian release to its sources.list; `fresh` builds also what the cache has.
    Whoever stops `children` stops the work.
    """

    def __init__(
        self, sources: Mapping[str, str], children: Children, *, fresh: bool, say: Say
    ) -> None:
        self._sources = sources
        self._children = children
        self._fresh = fresh
        self._say = say
        self._fetched: set[Path] = set()
        self._environment = apt.proxy_environment() | {
            "SOURCE_DATE_EPOCH": str(archive.BUILT),  # the day of the last change in /etc/shadow
        }

    def layer(self, recipe: Recipe, below: list[Layer], release: str) -> Layer:
        """The layer of `recipe` on those `below`, built if it is missing."""
        base = below[-1] if below else None
        target = store.folder_of(recipe, base)

        def say(text: str) -> None:
            self._say(f"{recipe.name}: {text}")

        make = partial(self._make, recipe=recipe, below=below, release=release, say=say)
        try:
            if self._fresh and target.exists():
                shutil.rmtree(target)
            build_once(target, make, say)
            for older in set(target.parent.glob("[0-9a-f]*")) - {target}:
                shutil.rmtree(older)
        except OSError as error:
            raise Permanent(
                f"image {recipe.name} cannot be built in {store.home()}: {error.strerror or error}",
                cure=failures.ROOM_CURE,
            ) from error
        layer = store.find(recipe, base)
        if layer is None:
            raise Permanent(
                f"{target} is damaged: it has no {store.RECORD}",
                cure=f"bob images build --fresh {recipe.name}",
            )
        return layer

    def _make(
        self, folder: Path, _: IO[str], *, recipe: Recipe, below: list[Layer], release: str,
        say: Say,
    ) -> None:  # fmt: skip
        began, started_ns = time.monotonic(), time.time_ns()
        lists = self._lists(release, say)
        diff = folder / store.DIFF
        diff.mkdir(mode=0o755)
        if recipe.debian:
            say(f"Debian {release}, from nothing")
            self._debootstrap(recipe, diff)
        say(f"installing {', '.join(recipe.packages)}")
        versions = self._install(recipe, below, folder, lists)
        say("packing")
        archive.settle_times(diff, started_ns)
        packed = archive.pack(diff, folder / store.ARCHIVE)
        store.save(folder, packed, versions)
        say(f"built in {time.monotonic() - began:.0f} s, {packed.size / 2**20:.0f} MiB")

    def _lists(self, release: str, say: Say) -> Path:
        """Apt's lists of a release, fetched once by each run that builds something."""
        folder = store.home() / "apt" / release
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder / ".lock", seconds=LISTS_SECONDS):
            if folder not in self._fetched:
                say("fetching the lists of packages")
                options = apt.private(folder, self._sources[release])
                run("apt-get", "--quiet", *options, "update", cure=apt.UNREACHABLE_CURE)
                self._fetched.add(folder)
        return folder / "lists"

    def _debootstrap(self, recipe: Recipe, root: Path) -> None:
        packages = store.home() / "apt" / "debootstrap"
        packages.mkdir(parents=True, exist_ok=True)
        command = [
            *_NAMESPACES, "--mount-proc", "debootstrap", "--variant=minbase",
            f"--cache-dir={packages}", "--include=ca-certificates", str(recipe.debian), str(root),
            apt.mirror(),
        ]  # fmt: skip
        self._run(command, recipe, {})
        shutil.rmtree(root / "dev")  # docker makes its own devices, and a layer holds none
        (root / "dev").mkdir(mode=0o755)
        for of_this_machine in ("etc/hostname", "etc/resolv.conf"):
            (root / of_this_machine).write_text("")
        for name, text in recipe.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for name, code in store.programs().items():
            (root / name).write_bytes(code)
            (root / name).chmod(0o755)

    def _install(
        self, recipe: Recipe, below: list[Layer], folder: Path, lists: Path
    ) -> dict[str, str]:
        """Run the script; returns the version of each package of the recipe."""
        root, work = folder / "root", folder / "work"
        debs = store.home() / "apt" / "packages" / recipe.name
        for each in (root, work, debs / "partial"):
            each.mkdir(parents=True, exist_ok=True)
        diff, versions = folder / store.DIFF, folder / "versions"
        settings = {
            "ROOT": str(root if below else diff),
            "LOWER": ":".join(str(layer.diff) for layer in reversed(below)),
            "UPPER": str(diff),
            "WORK": str(work),
            "ARCHIVES": str(debs),
            "LISTS": str(lists),
            "SOURCES": str(lists.parent / "sources.list"),
            "USERS": " ".join(f"{name}:{number}" for name, number in recipe.users.items()),
            "PACKAGES": " ".join(recipe.packages),
            "QUERIED": " ".join(sorted({*recipe.packages, recipe.main_package})),
            "VERSIONS": str(versions),
            "REMOVE": " ".join(recipe.remove),
        }
        self._run([*_NAMESPACES, "sh", "-c", store.script()], recipe, settings)
        found = dict(line.split(" ", 1) for line in versions.read_text().splitlines())
        for each in (root, work):
            shutil.rmtree(each)
        versions.unlink()
        return found

    def _run(self, command: list[str], recipe: Recipe, settings: Mapping[str, str]) -> None:
        try:
            self._children.run(
                command, seconds=PROGRAM_SECONDS, env={**self._environment, **settings}
            )
        except ChildFailed as error:
            raise failures.explain(recipe, error.message) from error
