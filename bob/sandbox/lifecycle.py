"""Bringing sandboxes up and taking them down, safely repeated and safely interrupted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bob import paths
from bob.errors import Permanent, UsageError
from bob.machine.caching import Say
from bob.machine.locking import exclusive
from bob.sandbox import (
    bmc,
    cluster_file,
    disks,
    image,
    network,
    readiness,
    registry,
    requirements,
    simulator,
    teardown,
)
from bob.sandbox.cgroups import Hierarchies
from bob.sandbox.layout import SLOTS, Layout, NodeLayout, check_name
from bob.sandbox.record import Sandbox, all_records, read

LOCK_SECONDS = 60.0
READY_SECONDS = 120.0


def up(name: str, nodes: int | None, say: Say) -> Sandbox:
    """Bring up a sandbox, or complete one that exists; return when all its hosts are ready.

    `nodes` is the number of hosts: None keeps what exists (three for a new one), more adds hosts.
    Hosts that somebody switched off stay off. What this call made is removed again when it fails
    or is interrupted. Raises `PreflightRefused`, `UsageError`, `ScopeHeld`, `DeadlinePassed`.
    """
    check_name(name)
    requirements.check()
    parts = _Parts(simulator.ensure(say), image.ensure(say), registry.ensure(say))
    with _locked(name):
        before = _existing(name)
        sandbox = _record(name, nodes, before)
        try:
            _make(sandbox, before, parts, say)
        except BaseException as error:
            with teardown.uninterrupted():
                say("removing what was made")
                teardown.undo(sandbox, before)
            if isinstance(error, OSError):
                raise Permanent(
                    f"the sandbox could not be made: {error}",
                    cure=f"See that {sandbox.layout.base} can be written and has room.",
                ) from error
            raise
    return sandbox


def down(name: str, say: Say) -> bool:
    """Remove all of a sandbox, also what a crash left of it. False when there was nothing."""
    check_name(name)
    requirements.check_root()
    with _locked(name), teardown.uninterrupted():
        sandbox = _existing(name)
        if sandbox is None and not network.namespaces(name):
            return False
        say(f"removing sandbox {name}")
        teardown.remove(name, sandbox)
        _lock_file(name).unlink()  # while we hold it: see `exclusive`
    return True


def reinstall(sandbox: Sandbox, node: NodeLayout, say: Say) -> None:
    """Give a host an empty disk and boot it, as if somebody had installed it anew.

    It gets new SSH host keys, which known_hosts then names.
    """
    requirements.check()
    with _locked(sandbox.name):
        say(f"reinstalling {node.name}")
        root = image.ensure(say)
        teardown.end_hosts([node], sandbox.hierarchies)
        disks.erase(node)
        disks.prepare(sandbox.layout, node, root, sandbox.hierarchies.to_json())
        disks.write_known_hosts(sandbox.layout)
        _start([node], sandbox, simulator.ensure(say))
        readiness.wait_until_ready([node], READY_SECONDS)


def _existing(name: str) -> Sandbox | None:
    return read(paths.sandbox_dir() / name / "sandbox.json")


def _record(name: str, nodes: int | None, before: Sandbox | None) -> Sandbox:
    """Decide what the sandbox shall be and write it down, before anything is made."""
    if before is None:
        if network.namespaces(name):
            raise Permanent(
                f"parts of a sandbox {name!r} exist that {paths.sandbox_dir()} does not know",
                cure=f"Remove them: bob sandbox down --name {name}",
            )
        with exclusive(paths.sandbox_dir() / ".slots.lock"):
            slot = free_slot([s.layout.slot for s in all_records()], list(network.interfaces()))
            sandbox = Sandbox(Layout(name, slot, nodes or 3), Hierarchies.of_this_process())
            sandbox.save()
    else:
        have = before.layout.nodes
        if nodes is not None and nodes < have:
            raise UsageError(
                f"sandbox {name!r} has {have} hosts; `up` removes none",
                cure=f"bob sandbox down --name {name}, then bring it up with {nodes}.",
            )
        layout = Layout(name, before.layout.slot, nodes or have, before.layout.base)
        sandbox = Sandbox(layout, _living(before.hierarchies))
        sandbox.save()
    return sandbox


def free_slot(taken: Sequence[int], interfaces: Sequence[str]) -> int:
    """The lowest slot that no recorded sandbox has and whose link bobS the machine has not."""
    for slot in SLOTS:
        if slot not in taken and f"bob{slot}" not in interfaces:
            return slot
    raise UsageError(
        f"{len(SLOTS)} sandboxes exist; there is no room for another",
        cure="Remove one: bob sandbox down --name NAME",
    )


def _living(hierarchies: Hierarchies) -> Hierarchies:
    """The recorded hierarchies, unless the session they belonged to is gone."""
    parents = [hierarchies.unified, *hierarchies.others.values()]
    return hierarchies if all(p.is_dir() for p in parents) else Hierarchies.of_this_process()


class _Parts(NamedTuple):
    """What sandboxes share, in the cache."""

    sim: Path
    root: Path
    registry: Path


def _make(sandbox: Sandbox, before: Sandbox | None, parts: _Parts, say: Say) -> None:
    layout = sandbox.layout
    grown = before is None or before.layout != layout
    sandbox.hierarchies.make_unified(layout.helper_cgroup)
    missing = [node for node in layout if not bmc.running(node)]
    teardown.end_hosts(missing, sandbox.hierarchies)  # what a dead BMC left of its host
    network.make_switch(layout)
    disks.make_operator_key(layout)
    cgroups = sandbox.hierarchies.to_json()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda node: disks.prepare(layout, node, parts.root, cgroups), missing))
    disks.write_known_hosts(layout)
    if grown or not layout.inventory.exists():  # else it may hold wishes of the operator
        cluster_file.write(layout)
    if missing:
        say(f"starting {', '.join(node.name for node in missing)}")
    _start(missing, sandbox, parts.sim)
    registry.start(layout, parts.registry, sandbox.hierarchies)
    on = [node for node in layout if node in missing or sandbox.power(node.name) == "on"]
    readiness.wait_until_ready(on, READY_SECONDS)


def _start(nodes: Sequence[NodeLayout], sandbox: Sandbox, sim: Path) -> None:
    for node in nodes:
        bmc.start(node, sandbox.layout.netns, sim, sandbox.hierarchies)


def _lock_file(name: str) -> Path:
    return paths.sandbox_dir() / f".{name}.lock"


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    paths.sandbox_dir().mkdir(parents=True, exist_ok=True)
    with exclusive(
        _lock_file(name),
        seconds=LOCK_SECONDS,
        holder=f"another command is changing sandbox {name!r}",
    ):
        yield
