"""Building images: one layer after another, two at a time where they do not need each other."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from bob.errors import PreflightRefused
from bob.images.layering import Layering
from bob.images.model import Recipe
from bob.images.recipes import Recipes
from bob.images.store import Layer
from bob.machine import apt
from bob.machine.caching import Say
from bob.toolchain.children import Children

AT_ONCE = 2  # packages are unpacked by one thread each; more only share the disk
_NEEDED = ("debootstrap", "unshare", "apt-get")


def check() -> None:
    """Raise `PreflightRefused` unless this machine can build images."""
    if os.geteuid() != 0:
        raise PreflightRefused(
            "to build an image needs root: packages are installed in a file system of their own",
            cure="Run the same command with sudo.",
        )
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    if missing := [name for name in _NEEDED if not shutil.which(name, path=path)]:
        raise PreflightRefused(
            f"to build an image needs programs that are not here: {', '.join(missing)}",
            cure="apt-get update && apt-get install --yes apt debootstrap util-linux",
        )


def build(recipes: Recipes, names: Iterable[str], *, fresh: bool, say: Say) -> list[Layer]:
    """Build what is missing of these images (of all for no names); `fresh` builds all again.

    A fresh build takes the newest packages; what comes out equal keeps its digest. Returns the
    layers in the order in which they are needed. Raises `UsageError`, `PreflightRefused`,
    `Permanent`, `ScopeHeld`.
    """
    check()
    wanted = recipes.in_order(names)
    release = {recipe.name: recipes.chain(recipe.name)[0].debian or "" for recipe in wanted}
    sources = {each: apt.source_lines(each) for each in sorted(set(release.values()))}
    children = Children()
    layering = Layering(sources, children, fresh=fresh, say=say)
    done: dict[str, Layer] = {}

    def one(recipe: Recipe) -> Layer:
        below = [done[each.name] for each in recipes.chain(recipe.name)[:-1]]
        return layering.layer(recipe, below, release[recipe.name])

    each_after_what_it_needs(wanted, one, done, children.stop)
    return [done[recipe.name] for recipe in wanted]


def each_after_what_it_needs(
    wanted: Iterable[Recipe],
    one: Callable[[Recipe], Layer],
    done: dict[str, Layer],
    stop: Callable[[], None],
) -> None:
    """Call `one` for each recipe, and put what it returns into `done` before it is needed.

    After the first failure, or when it is interrupted, it calls `stop`, which ends what runs.
    """
    by_name = {recipe.name: recipe for recipe in wanted}
    order = TopologicalSorter({n: [r.base] if r.base else [] for n, r in by_name.items()})
    order.prepare()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: set[Future[Layer]] = set()
        try:
            while order.is_active():
                running |= {pool.submit(one, by_name[name]) for name in order.get_ready()}
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    layer = future.result()
                    done[layer.name] = layer
                    order.done(layer.name)
        except BaseException:
            stop()
            pool.shutdown(cancel_futures=True)
            raise
